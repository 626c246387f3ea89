-- Tables of a Healthchecks server (its commit of 2026-08-21, after v4.3), as its own migrations made them on PostgreSQL; the rows are invented.
CREATE TABLE public.accounts_project (
    id integer NOT NULL,
    code uuid NOT NULL,
    name character varying(200) NOT NULL,
    api_key character varying(128) NOT NULL,
    api_key_readonly character varying(128) NOT NULL,
    owner_id integer NOT NULL,
    badge_key character varying(150) NOT NULL,
    ping_key character varying(128),
    show_slugs boolean NOT NULL
);
CREATE TABLE public.api_channel (
    id integer NOT NULL,
    code uuid NOT NULL,
    created timestamp with time zone NOT NULL,
    kind character varying(20) NOT NULL,
    value text NOT NULL,
    email_verified boolean NOT NULL,
    name character varying(100) NOT NULL,
    project_id integer NOT NULL,
    last_error character varying(200) NOT NULL,
    last_notify timestamp with time zone,
    disabled boolean NOT NULL,
    last_notify_duration interval
);
CREATE TABLE public.api_channel_checks (
    id integer NOT NULL,
    channel_id integer NOT NULL,
    check_id integer NOT NULL
);
CREATE TABLE public.api_check (
    id integer NOT NULL,
    code uuid NOT NULL,
    last_ping timestamp with time zone,
    alert_after timestamp with time zone,
    status character varying(6) NOT NULL,
    timeout interval NOT NULL,
    name character varying(100) NOT NULL,
    created timestamp with time zone NOT NULL,
    grace interval NOT NULL,
    tags character varying(500) NOT NULL,
    n_pings integer NOT NULL,
    kind character varying(10) NOT NULL,
    schedule character varying(100) NOT NULL,
    tz character varying(36) NOT NULL,
    has_confirmation_link boolean NOT NULL,
    "desc" text NOT NULL,
    last_start timestamp with time zone,
    project_id integer NOT NULL,
    last_duration interval,
    methods character varying(30) NOT NULL,
    manual_resume boolean NOT NULL,
    slug character varying(100) NOT NULL,
    failure_kw character varying(200) NOT NULL,
    filter_body boolean NOT NULL,
    filter_subject boolean NOT NULL,
    success_kw character varying(200) NOT NULL,
    last_start_rid uuid,
    start_kw character varying(200) NOT NULL,
    badge_key uuid NOT NULL,
    filter_default_fail boolean NOT NULL,
    filter_http_body boolean NOT NULL
);
CREATE TABLE public.auth_user (
    id integer NOT NULL,
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    username character varying(150) NOT NULL,
    first_name character varying(150) NOT NULL,
    last_name character varying(150) NOT NULL,
    email character varying(254) NOT NULL,
    is_staff boolean NOT NULL,
    is_active boolean NOT NULL,
    date_joined timestamp with time zone NOT NULL
);
INSERT INTO public.accounts_project VALUES (1, '9eb4be42-0897-4572-b3aa-51e42272e905', 'Shop', '', '', 1, 'shop', 'Rc3sPnYl2XqW7bKd0aTzUg', false);
INSERT INTO public.accounts_project VALUES (2, '4576376d-2121-4380-83e9-659d3dbdffef', 'Empty', '', '', 1, 'empty', NULL, false);
INSERT INTO public.accounts_project VALUES (3, '14ff8f32-ae83-4b0b-b4f6-47c64b2b880e', '', '', '', 1, 'nameless', NULL, false);
INSERT INTO public.api_channel VALUES (1, '07c2f548-9850-4b27-af5d-6c9dc1570065', '2026-11-29 03:10:19.203687+00', 'email', '{"value": "ops@example.com", "up": true, "down": true}', true, 'Ops', 1, '', NULL, false, NULL);
INSERT INTO public.api_channel VALUES (2, '07c2f548-9850-4b27-af5d-6c9dc1570066', '2026-11-29 03:10:19.204631+00', 'email', 'boss@example.com', true, '', 1, '', NULL, false, NULL);
INSERT INTO public.api_channel VALUES (3, '07c2f548-9850-4b27-af5d-6c9dc1570067', '2026-11-29 03:10:19.205146+00', 'email', '{"value": "new@example.com", "up": true, "down": true}', false, 'Never confirmed', 1, '', NULL, false, NULL);
INSERT INTO public.api_channel VALUES (4, '07c2f548-9850-4b27-af5d-6c9dc1570068', '2026-11-29 03:10:19.205606+00', 'email', '{"value": "quiet@example.com", "up": false, "down": true}', true, 'Down only', 1, '', NULL, true, NULL);
INSERT INTO public.api_channel VALUES (5, '07c2f548-9850-4b27-af5d-6c9dc1570069', '2026-11-29 03:10:19.206028+00', 'webhook', '{"method_down": "POST", "url_down": "https://hooks.example.com/in?a=1", "body_down": "{\"text\": \"$NAME is down\"}", "headers_down": {"Authorization": "Bearer s3cret"}, "method_up": "POST", "url_up": "https://hooks.example.com/in?a=1", "body_up": "", "headers_up": {"Authorization": "Bearer s3cret"}}', false, 'Room hook', 1, '', NULL, false, NULL);
INSERT INTO public.api_channel VALUES (6, '07c2f548-9850-4b27-af5d-6c9dc157006a', '2026-11-29 03:10:19.206456+00', 'webhook', '{"method_down": "GET", "url_down": "https://hooks.example.com/$CODE/$STATUS", "body_down": "", "headers_down": {}, "method_up": "POST", "url_up": "", "body_up": "", "headers_up": {}}', false, 'By address', 1, '', NULL, false, NULL);
INSERT INTO public.api_channel VALUES (7, '07c2f548-9850-4b27-af5d-6c9dc157006b', '2026-11-29 03:10:19.206862+00', 'slack', '{"incoming_webhook": {"channel": "#ops", "url": "https://hooks.slack.example/x"}, "team_name": "x"}', false, 'Slack', 1, '', NULL, false, NULL);
INSERT INTO public.api_channel VALUES (8, '07c2f548-9850-4b27-af5d-6c9dc157006c', '2026-11-29 03:10:19.2074+00', 'email', 'else@example.com', true, '', 3, '', NULL, false, NULL);
INSERT INTO public.api_channel_checks VALUES (1, 1, 1);
INSERT INTO public.api_channel_checks VALUES (2, 2, 1);
INSERT INTO public.api_channel_checks VALUES (3, 3, 1);
INSERT INTO public.api_channel_checks VALUES (4, 4, 1);
INSERT INTO public.api_channel_checks VALUES (5, 5, 1);
INSERT INTO public.api_channel_checks VALUES (6, 6, 1);
INSERT INTO public.api_channel_checks VALUES (7, 7, 1);
INSERT INTO public.api_channel_checks VALUES (8, 1, 2);
INSERT INTO public.api_channel_checks VALUES (9, 2, 2);
INSERT INTO public.api_channel_checks VALUES (10, 3, 2);
INSERT INTO public.api_channel_checks VALUES (11, 4, 2);
INSERT INTO public.api_channel_checks VALUES (12, 5, 2);
INSERT INTO public.api_channel_checks VALUES (13, 6, 2);
INSERT INTO public.api_channel_checks VALUES (14, 7, 2);
INSERT INTO public.api_channel_checks VALUES (15, 1, 4);
INSERT INTO public.api_channel_checks VALUES (16, 2, 4);
INSERT INTO public.api_channel_checks VALUES (17, 3, 4);
INSERT INTO public.api_channel_checks VALUES (18, 4, 4);
INSERT INTO public.api_channel_checks VALUES (19, 5, 4);
INSERT INTO public.api_channel_checks VALUES (20, 6, 4);
INSERT INTO public.api_channel_checks VALUES (21, 7, 4);
INSERT INTO public.api_channel_checks VALUES (22, 1, 3);
INSERT INTO public.api_check VALUES (1, '07c2f548-9850-4b27-af5d-6c9dc1570001', NULL, NULL, 'up', '00:10:00', 'Backup', '2026-11-29 03:10:19.199455+00', '00:01:00', 'prod db', 7, 'simple', '* * * * *', 'UTC', false, 'of ${HOME} at $5', NULL, 1, NULL, '', false, 'backup', '', false, false, '', NULL, '', '1a725533-975a-498d-8e7c-7e2374583eb6', false, false);
INSERT INTO public.api_check VALUES (2, '07c2f548-9850-4b27-af5d-6c9dc1570002', NULL, NULL, 'new', '1 day', 'Reports', '2026-11-29 03:10:19.201013+00', '00:15:00', '', 0, 'cron', '5 4 * * 1-5', 'Europe/Riga', false, '', NULL, 1, NULL, 'POST', true, 'reports', '', false, false, '', NULL, '', 'f56cd81b-e7ad-442c-bfa7-48a33687133a', false, false);
INSERT INTO public.api_check VALUES (3, '07c2f548-9850-4b27-af5d-6c9dc1570003', NULL, NULL, 'paused', '1 day', '', '2026-11-29 03:10:19.201752+00', '01:00:00', '', 0, 'oncalendar', 'Mon *-*-* 03:00', 'UTC', false, '', NULL, 1, NULL, '', false, '', '', false, false, '', NULL, '', 'a8ca7a5c-820b-430e-92d0-0a59d60c1450', false, false);
INSERT INTO public.api_check VALUES (4, '07c2f548-9850-4b27-af5d-6c9dc1570004', NULL, NULL, 'new', '2 days', 'Words', '2026-11-29 03:10:19.202343+00', '01:00:00', '', 0, 'simple', '* * * * *', 'UTC', false, '', NULL, 1, NULL, '', false, '', 'bad,worse', false, false, 'ok', NULL, 'go', 'a27becc7-65f5-4c85-b7c2-cd48759e9dc8', true, true);
INSERT INTO public.api_check VALUES (5, '07c2f548-9850-4b27-af5d-6c9dc1570005', NULL, NULL, 'new', '01:00:00', 'Of another project', '2026-11-29 03:10:19.202908+00', '00:05:00', '', 0, 'simple', '* * * * *', 'UTC', false, '', NULL, 3, NULL, '', false, '', '', false, false, '', NULL, '', '2f177561-5512-46ed-86af-f8bf63c11f87', false, false);
INSERT INTO public.auth_user VALUES (1, '', NULL, false, 'ada', '', '', 'ada@example.com', false, true, '2026-11-29 03:10:19.186038+00');

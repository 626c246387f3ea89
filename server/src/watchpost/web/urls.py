"""The addresses of the pages."""

from __future__ import annotations

from django.urls import path

from watchpost.accounts.views import sign_in_link
from watchpost.web import (
    accept_page,
    add_pages,
    assets,
    channel_pages,
    incident_pages,
    live,
    monitor_forms,
    monitor_pages,
    overview,
    project_pages,
    settings_pages,
    window_pages,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("add/", add_pages.add, name="add"),
    path("add/around/", add_pages.around, name="add-around"),
    path("add/take/", add_pages.take, name="add-take"),
    path("monitors/new/", monitor_forms.monitor_kinds, name="monitor-kinds"),
    path("monitors/new/<slug:name>/", monitor_forms.monitor_new, name="monitor-new"),
    path("monitors/", monitor_pages.monitor_list, name="monitors"),
    path("monitors/<int:pk>/", monitor_pages.monitor_page, name="monitor"),
    path("monitors/<int:pk>/series.json", monitor_pages.monitor_series, name="monitor-series"),
    path("monitors/<int:pk>/edit/", monitor_forms.monitor_edit, name="monitor-edit"),
    path("monitors/<int:pk>/pause/", monitor_pages.pause, name="monitor-pause"),
    path("monitors/<int:pk>/accept/", accept_page.accept, name="monitor-accept"),
    path("monitors/<int:pk>/maintenance/", window_pages.monitor_maintenance, name="monitor-maintenance"),
    path("monitors/<int:pk>/delete/", monitor_pages.delete, name="monitor-delete"),
    path("projects/<slug:slug>/", project_pages.project_page, name="project"),
    path("projects/<slug:slug>/people/", project_pages.add_member, name="project-people"),
    path(
        "projects/<slug:slug>/people/<int:pk>/remove/",
        project_pages.remove_member,
        name="project-person-remove",
    ),
    path("projects/<slug:slug>/maintenance/", window_pages.project_maintenance, name="project-maintenance"),
    path("windows/<int:pk>/end/", window_pages.end, name="window-end"),
    path("incidents/", incident_pages.incident_list, name="incidents"),
    path("incidents/<int:pk>/", incident_pages.incident_page, name="incident"),
    path("incidents/<int:pk>/<slug:do>/", incident_pages.incident_act, name="incident-act"),
    path("i/<str:token>/", incident_pages.signed_action, name="signed-action"),
    path("channels/", channel_pages.channel_list, name="channels"),
    path("channels/new/<slug:name>/", channel_pages.channel_new, name="channel-new"),
    path("channels/<int:pk>/", channel_pages.channel_page, name="channel"),
    path("channels/<int:pk>/edit/", channel_pages.channel_edit, name="channel-edit"),
    path("channels/<int:pk>/test/", channel_pages.channel_test, name="channel-test"),
    path("channels/<int:pk>/switch/", channel_pages.channel_switch, name="channel-switch"),
    path("channels/<int:pk>/delete/", channel_pages.channel_delete, name="channel-delete"),
    path("settings/", settings_pages.settings_page, name="settings"),
    path("settings/profile/", settings_pages.profile, name="settings-profile"),
    path("settings/people/", settings_pages.add_person, name="settings-people"),
    path("settings/people/<int:pk>/", settings_pages.change_person, name="settings-person"),
    path("settings/tokens/", settings_pages.add_token, name="settings-tokens"),
    path("settings/tokens/<int:pk>/delete/", settings_pages.delete_token, name="settings-token-delete"),
    path("settings/projects/", settings_pages.add_project, name="settings-projects"),
    path("signin/<str:token>/", sign_in_link, name="sign-in-link"),
    path("events/", live.events, name="events"),
    path("pulse.json", live.pulse, name="pulse"),
    path("static/watchpost/<path:name>", assets.serve, name="asset"),
]

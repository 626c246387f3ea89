"""What the agent knows of Celery: the same package runs in the web processes, in workers and in Beat.

``connect`` hooks in where Celery is loaded. Workers (``worker``, ``tally``) and Beat (``beat``,
``tasks``) write a small report every few seconds to where web processes can read it (``carrier``). There,
``lookout`` takes one look at broker and reports for all checks, and ``judge`` says what it means.
"""

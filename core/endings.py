"""Whether this worker was told to end: what takes long lets go at the next good moment."""

from celery.worker import state


def told_to_end() -> bool:
    """From SIGTERM on; False in any process that is no worker."""
    return state.should_stop is not None or state.should_terminate is not None

class DoesNotApplyError(Exception):
    """The source has no such symbol, or no such place in it, or more than one."""

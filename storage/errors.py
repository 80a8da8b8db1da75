"""Errors of the place we run in. The message is one sentence that says what to do."""


class SetupError(Exception):
    """The environment is not as it must be."""


class HeadMoved(Exception):
    """Another release was made since this run pinned its versions; nothing was released."""


class HorizonFellBack(Exception):
    """The replicated instant is older than the newest release's, or from another database; nothing was released."""


class TableMoved(Exception):
    """Another version of a table was published since its head was read; nothing was appended."""


class SchemaChanged(Exception):
    """A window was published with other columns than the table has; publish the whole table first."""


class Unavailable(Exception):
    """Something that a consumer's handler depends on does not answer. No event is to blame, so all of them wait."""


class LakeUnavailable(Exception):
    """The lake, or a file of a release, cannot be read now; it is tried again with every question."""

"""Write a countersign connector in Python: decorated functions, raised failures."""

from .connector import Connector, Context, Delivery, Page
from .failure import (
    CONNECTOR_BUG,
    Failure,
    conflict,
    denied,
    not_found,
    rejected,
    transient,
    uncertain,
    unknown_kind,
    unknown_operation,
)
from .http import Answer, Draft, path
from .value import (
    ABSENT,
    NOT_THERE,
    UNKNOWN,
    Change,
    DraftIntent,
    Effect,
    Field,
    Finding,
    Money,
    Proposal,
    Receipt,
    RecordRef,
    Snapshot,
    Value,
    WritePlan,
    creation,
    decimal_of,
    draft_intent,
    integer_of,
    json_value,
    landed,
    money,
    money_of,
    optional_text_of,
    receipt,
    reference,
    sealed,
    text,
    text_of,
    update,
    value_of,
)

__all__ = [name for name in dir() if not name.startswith("_")]

"""A connector that is told: a delivery names tickets under `about`, and says under `asks` what somebody asks for."""

from countersign_sdk import (
    Connector,
    Context,
    Delivery,
    DraftIntent,
    Field,
    RecordRef,
    Snapshot,
    Value,
    draft_intent,
    json_value,
    text,
)
from wit_world.imports.types import Value_InstantMs, Value_Integer

TICKET = "ticket"

connector = Connector("tests.told-python", "1.0.0", "tests", kinds=[TICKET])


@connector.check
def check(context: Context) -> None:
    pass


@connector.fetch
def fetch(context: Context, subject: RecordRef) -> Snapshot:
    return Snapshot(subject, None, None, [])


@connector.interpret
def interpret(context: Context, delivery: Delivery) -> list[RecordRef]:
    about = delivery.json(lambda body: body.get("about", []))
    return [RecordRef(TICKET, id) for id in about]


@connector.receive
def receive(context: Context, delivery: Delivery) -> list[DraftIntent]:
    asks = delivery.json(lambda body: body.get("asks", []))
    return [draft(delivery, **wish) for wish in asks]


def draft(delivery: Delivery, type: str, ticket: str, tokens: dict, key: str, by: str) -> DraftIntent:
    fields = [Field(name, token_of(token)) for name, token in tokens.items()]
    return draft_intent(type, RecordRef(TICKET, ticket), fields + echo(delivery), key, by)


def token_of(token: object) -> Value:
    if isinstance(token, str):
        return text(token)
    return Value_Integer(token) if isinstance(token, int) else json_value(token)


def echo(delivery: Delivery) -> list[Field]:
    """How it came here, where whoever sent it wants to hear that."""
    word = delivery.header("X-Echo")
    if word is None:
        return []
    arrived = Field("arrived", Value_InstantMs(delivery.received_ms))
    return [Field("echo", text(f"{word} by {delivery.hook}")), arrived]


Identity, Reader, _ = connector.exports()
Webhooks, Intake = connector.webhooks(), connector.intake()

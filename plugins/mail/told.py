"""What Resend tells by itself: that something became of a letter. Only which letter counts; the host reads it.

Source: https://resend.com/docs/dashboard/webhooks/event-types.
"""

from countersign_sdk import Delivery

#: What begins the name of an event about letters.
OF_LETTERS = "email."
#: A letter that somebody wrote to the account: it is none that was sent.
RECEIVED = "email.received"


def letters(delivery: Delivery) -> list[str]:
    """The ids of the letters that a delivery is about."""

    def read(body: dict) -> list[str]:
        event = body["type"]
        if not event.startswith(OF_LETTERS) or event == RECEIVED:
            return []
        id = body["data"]["email_id"]
        if not isinstance(id, str):
            raise ValueError("the id of the letter is no text")
        return [id]

    return delivery.json(read)

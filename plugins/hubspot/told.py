"""What HubSpot tells by itself: that something became of deals. Only which ones counts; the host reads each.

Sources: https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide,
https://developers.hubspot.com/docs/apps/legacy-apps/public-apps/create-generic-webhook-subscriptions.
"""

from typing import Any, Iterator

from countersign_sdk import Delivery

#: What begins the kind of an event about deals.
OF_DEALS = "deal."
#: What begins that of an event about objects of any type, and the type that deals are.
OF_OBJECTS = "object."
DEALS = "0-3"
#: An event about what belongs together: no field of a deal says that.
ASSOCIATED = "associationChange"


def ids(event: Any) -> Iterator[str]:
    """The deals that an event is about: of deals that were merged, all."""
    kind = event["subscriptionType"]
    of_deals = kind.startswith(OF_DEALS) or (kind.startswith(OF_OBJECTS) and event["objectTypeId"] == DEALS)
    if not of_deals or kind.endswith(ASSOCIATED):
        return
    merged = [event.get("primaryObjectId"), event.get("newObjectId"), *event.get("mergedObjectIds", [])]
    for id in [event["objectId"], *(id for id in merged if id is not None)]:
        if type(id) is not int or id < 0:
            raise ValueError("the id of a deal is no number")
        yield str(id)


def deals(delivery: Delivery) -> list[str]:
    """The ids of the deals that a delivery is about, each once: HubSpot puts many events into one."""

    def read(body: Any) -> list[str]:
        if not isinstance(body, list):
            raise ValueError("the events are no list")
        return list(dict.fromkeys(id for event in body for id in ids(event)))

    return delivery.json(read)

"""Which deals have changed, oldest change first.

HubSpot's search sorts by one property, gives 200 records at once and 10,000 of one search, and finds what was written
only after a while (https://developers.hubspot.com/docs/api-reference/search/guide#limitations). So no page is counted
from the beginning of a search: each one begins behind the last moment that was given wholly, and a moment that fills a
page is walked by the ids of its deals. What changes meanwhile only moves to a later page.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Optional

import deals
from api import EPOCH, Record, moment_ms, ok
from countersign_sdk import Answer, Context, Page, RecordRef, Snapshot, path, rejected

#: When a deal was changed, as HubSpot's search knows it, and which deal it is.
MODIFIED = "hs_lastmodifieddate"
ID = "hs_object_id"
#: Most records of one search.
PAGE = 200
#: How old a change is before it is told of, in milliseconds: HubSpot says that its search needs "a few moments", and
#: until then an older change may come to light behind a newer one.
YOUNG_MS = 60_000
#: A place as text: a moment, and the last deal of the next one that was given if some of it was.
PLACE = re.compile(r"([0-9]{1,15})(?:/([0-9]{1,20}))?")


@dataclass
class Changed:
    """A deal that was found, and when it was changed."""

    moment: int
    id: int
    shown: Snapshot

    @staticmethod
    def of(body: Any) -> "Changed":
        """Takes a result of a search, or says what is wrong with it."""
        deal = Record.of(body)
        moment = moment_ms(deal.properties[MODIFIED] or "")
        if PLACE.fullmatch(f"{moment}/{deal.id}") is None:
            raise ValueError("it has a deal without a moment or a number")
        # What else it holds the host reads by itself, where it wants to know.
        shown = Snapshot(RecordRef(deals.KIND, deal.id), deal.updated_at, deal.url, [])
        return Changed(moment, int(deal.id), shown)


def page(context: Context, cursor: Optional[str], limit: int) -> Page:
    """One page, from this place on."""
    place = PLACE.fullmatch(cursor or "0")
    if place is None:
        raise rejected("bad-cursor", "the place to go on from is none of this connector")
    moment, last = int(place[1]), place[2]
    limit = min(limit, PAGE)
    return _later(context, moment, limit) if last is None else _within(context, moment, int(last), limit)


def _later(context: Context, moment: int, limit: int) -> Page:
    """What was changed after a moment."""
    found, until = _search(context, [(MODIFIED, "GTE", moment + 1)], MODIFIED, limit)
    old = sorted((item for item in found if until is None or item.moment <= until), key=lambda item: item.moment)
    if not old:
        return Page([], None)
    last = old[-1].moment
    if len(found) < limit:
        return _page(old, str(last))
    # There may be more of the last moment.
    whole = [item for item in old if item.moment != last]
    return _page(whole, str(whole[-1].moment)) if whole else _within(context, last, 0, limit)


def _within(context: Context, moment: int, last: int, limit: int) -> Page:
    """What was changed at a moment, from the deal behind `last` on."""
    wanted = [(MODIFIED, "GTE", moment), (MODIFIED, "LT", moment + 1), (ID, "GT", last)]
    found, _ = _search(context, wanted, ID, limit)
    # What was changed once more, while HubSpot searched, is found at its new moment.
    items = sorted((item for item in found if item.moment == moment), key=lambda item: item.id)
    if limit <= len(found):
        return _page(items, f"{moment}/{max(item.id for item in found)}")
    return _page(items, str(moment)) if items else _later(context, moment, limit)


def _search(
    context: Context, wanted: list[tuple[str, str, int]], by: str, limit: int
) -> tuple[list[Changed], Optional[int]]:
    """The first deals of a search, and the newest moment that is told of."""
    filters = [{"propertyName": name, "operator": is_, "value": str(value)} for name, is_, value in wanted]
    asked = {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": by, "direction": "ASCENDING"}],
        "properties": [MODIFIED],
        "limit": limit,
    }
    answer = ok(context.post("api", path("crm", "v3", "objects", deals.TYPE, "search")).json(asked).read())
    return answer.json(lambda body: [Changed.of(result) for result in body["results"]]), _until_ms(answer)


def _until_ms(answer: Answer) -> Optional[int]:
    """What is old enough by HubSpot's own clock: a connector has none."""
    try:
        now = parsedate_to_datetime(answer.header("date") or "")
        return (now - EPOCH) // timedelta(milliseconds=1) - YOUNG_MS
    except (TypeError, ValueError):
        return None


def _page(items: list[Changed], next: str) -> Page:
    return Page([item.shown for item in items], next)

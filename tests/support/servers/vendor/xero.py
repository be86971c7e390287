"""A stand-in for Xero's Accounting API 2.0 and the door that gives tokens for it, made from what Xero publishes:
https://developer.xero.com/documentation/api/accounting/ (manualjournals, creditnotes, invoices, organisation, accounts,
responsecodes, requests-and-responses), https://developer.xero.com/documentation/guides/oauth2/custom-connections and
https://developer.xero.com/documentation/guides/oauth2/scopes.

One organisation of a custom connection, in New Zealand dollars, locked up to the end of 2025. Its clock begins at
2026-11-02T10:00:00Z and goes on by a second with each record, so that a new recording is the same as the old one.
Amounts are exact, and numbers in its JSON. It is stricter than Xero: it refuses elements that it does not know. It knows
no idempotency keys, which Xero keeps for six minutes and the connector does not send: a second `PUT` is a second record.
"""

import json
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from stand_in import Refused, StandIn

CLIENT = ("client-4711", "client-secret-4711")
TOKEN = "token-4711"
SCOPES = {"accounting.invoices", "accounting.manualjournals", "accounting.settings.read"}
BEGINNING = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)
LOCKED_UP_TO = date(2025, 12, 31)
API = "/api.xro/2.0"
# What can be made, each with what its id is called and the scope that it needs.
LISTS = {
    "ManualJournals": ("ManualJournalID", "accounting.manualjournals"),
    "CreditNotes": ("CreditNoteID", "accounting.invoices"),
}

granted = set()
made = {name: [] for name in LISTS}


def identifier(number):
    return f"00000000-0000-4000-8000-{number:012d}"


def milliseconds(moment):
    return f"/Date({int(moment.timestamp() * 1000)}+0000)/"


def at_midnight(day):
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=timezone.utc))


ACCOUNTS = [
    {"Code": "090", "Name": "Bank", "Type": "BANK", "Status": "ACTIVE"},
    {"Code": "200", "Name": "Sales", "Type": "REVENUE", "Status": "ACTIVE", "TaxType": "OUTPUT2"},
    {"Code": "400", "Name": "Goodwill", "Type": "EXPENSE", "Status": "ACTIVE", "TaxType": "INPUT2"},
    {"Code": "610", "Name": "Receivable", "Type": "CURRENT", "Status": "ACTIVE", "SystemAccount": "DEBTORS"},
    {"Code": "620", "Name": "Clearing", "Type": "CURRENT", "Status": "ACTIVE", "TaxType": "NONE"},
    {"Code": "999", "Name": "Old", "Type": "EXPENSE", "Status": "ARCHIVED"},
]
ACTIVE = {account["Code"] for account in ACCOUNTS if account["Status"] == "ACTIVE"}
ORGANISATION = {"OrganisationID": identifier(1), "Name": "Demo Company (NZ)", "BaseCurrency": "NZD", "ShortCode": "!23eYt",
                "PeriodLockDate": at_midnight(LOCKED_UP_TO)}
CONTACT = {"ContactID": identifier(2), "ContactStatus": "ACTIVE", "Name": "Globex"}
ALL, NOTHING = Decimal("115.00"), Decimal("0.00")
INVOICE = {
    "Type": "ACCREC", "InvoiceID": identifier(101), "InvoiceNumber": "INV-0001", "Status": "AUTHORISED", "Contact": CONTACT,
    "CurrencyCode": "NZD", "Date": at_midnight(date(2026, 10, 1)), "LineAmountTypes": "Inclusive", "LineItems": [
        {"Description": "Licence", "UnitAmount": ALL, "LineAmount": ALL, "AccountCode": "200", "TaxType": "OUTPUT2"}],
    "Total": ALL, "AmountDue": ALL, "AmountPaid": NOTHING, "AmountCredited": NOTHING,
}


def text(body):
    """JSON, with decimals as the numbers that they are."""
    marked = json.dumps(body, default=lambda amount: f"\0{amount}\0")
    return re.sub(r'"\\u0000(.*?)\\u0000"', r"\1", marked)


def said(status, body):
    return status, text(body), {"Content-Type": "application/json; charset=utf-8", "Xero-Correlation-Id": identifier(0)}


def refusal(status, body):
    return Refused(*said(status, body))


def invalid(*messages):
    elements = [{"ValidationErrors": [{"Message": message} for message in messages]}]
    return refusal(400, {"ErrorNumber": 10, "Type": "ValidationException", "Elements": elements,
                         "Message": "A validation exception occurred"})


def envelope(name, records, **more):
    head = {"Id": identifier(0), "Status": "OK", "DateTimeUTC": "/Date(1793613600000)/"}
    return said(200, {**head, **more, name: records})


stand_in = StandIn(
    state=lambda: text({"granted": sorted(granted), **made}),
    unknown=lambda request: (404, "The resource you're looking for cannot be found", {}),
)


@stand_in.route("POST", "/connect/token")
def token(request):
    form = dict(request.form())
    scopes = set(form.get("scope", "").split())
    if request.basic() != CLIENT or form.get("grant_type") != "client_credentials":
        return 400, {"error": "invalid_client"}
    if not scopes <= SCOPES:
        return 400, {"error": "invalid_scope"}
    granted.update(scopes)
    return 200, {"access_token": TOKEN, "expires_in": 1800, "token_type": "Bearer", "scope": " ".join(sorted(scopes))}


def admitted(request, scope):
    def door(title, status, detail):
        return refusal(status, {"Type": None, "Title": title, "Status": status, "Detail": detail, "Instance": identifier(0)})

    if request.bearer() != TOKEN or not granted:
        raise door("Unauthorized", 401, "TokenInvalidSignature")
    if scope not in granted:
        raise door("Unauthorized", 401, "AuthorizationUnsuccessful")
    if request.headers.get("xero-tenant-id"):
        raise door("Forbidden", 403, "AuthenticationUnsuccessful")
    if request.headers.get("Accept") != "application/json":
        raise Refused(406, "<Response>This stand-in speaks no XML</Response>")


def new(request, name, known):
    """The one new record of a `PUT`."""
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise refusal(400, {"ErrorNumber": 17, "Type": "PostDataInvalidException", "Message": "no JSON"})
    body = json.loads(request.body, parse_float=Decimal)
    if set(body) != {name} or len(body[name]) != 1 or not set(body[name][0]) <= known:
        raise refusal(400, {"ErrorNumber": 17, "Type": "PostDataInvalidException", "Message": "unknown element"})
    record = body[name][0]
    day = date.fromisoformat(record["Date"])
    if day <= LOCKED_UP_TO:
        raise invalid("The document date cannot be before the period lock date, currently set at 31 December 2025")
    return record, day


def amount(number):
    exact = Decimal(number)
    if exact != exact.quantize(Decimal("0.01")):
        raise invalid("Amounts must have two decimal places")
    return exact.quantize(Decimal("0.01"))


def keep(name, record):
    count = sum(map(len, made.values())) + 1
    touched = milliseconds(BEGINNING + timedelta(seconds=count))
    made[name].append({**record, LISTS[name][0]: identifier(1000 + count), "UpdatedDateUTC": touched})
    return envelope(name, made[name][-1:])


def reading(name, call, scope):
    """The list and its records. The list gives what was touched since `If-Modified-Since`, by pages."""

    @stand_in.route("GET", f"{API}/{name}")
    def listed(request):
        admitted(request, scope)
        if request.query.get("order") != f"{call} ASC" or "page" not in request.query:
            raise refusal(400, {"ErrorNumber": 16, "Type": "QueryParseException", "Message": "no stable order"})
        since = datetime.fromisoformat(request.headers.get("If-Modified-Since", "1970-01-01T00:00:00") + "+00:00")
        is_touched = lambda record: int(since.timestamp() * 1000) <= int(record["UpdatedDateUTC"][6:-7])
        touched = sorted(filter(is_touched, made[name]), key=lambda record: record[call])
        page, size = int(request.query["page"]), min(int(request.query.get("pageSize", 100)), 1000)
        about = {"page": page, "pageSize": size, "pageCount": -(-len(touched) // size), "itemCount": len(touched)}
        return envelope(name, touched[(page - 1) * size:page * size], pagination=about)

    @stand_in.route("GET", f"{API}/{name}/{{wanted}}")
    def single(request, wanted):
        admitted(request, scope)
        return one(name, made[name], wanted)


for name, (call, scope) in LISTS.items():
    reading(name, call, scope)


def one(name, records, wanted):
    """A record by its id or its number."""
    found = [record for record in records if wanted in (record.get(f"{name[:-1]}{call}") for call in ("ID", "Number"))]
    return envelope(name, found) if found else stand_in.unknown(None)


@stand_in.route("GET", f"{API}/{{setting}}")
def settings(request, setting):
    admitted(request, "accounting.settings.read")
    known = {"Organisation": ("Organisations", [ORGANISATION]), "Accounts": ("Accounts", ACCOUNTS)}
    return envelope(*known[setting]) if setting in known else stand_in.unknown(request)


@stand_in.route("GET", f"{API}/Invoices/{{wanted}}")
def an_invoice(request, wanted):
    admitted(request, "accounting.invoices")
    return one("Invoices", [INVOICE], wanted)


@stand_in.route("PUT", f"{API}/ManualJournals")
def put_journal(request):
    admitted(request, "accounting.manualjournals")
    journal, day = new(request, "ManualJournals", {"Narration", "Date", "Status", "LineAmountTypes", "JournalLines"})
    usable = ACTIVE - {account["Code"] for account in ACCOUNTS if account["Type"] == "BANK" or "SystemAccount" in account}
    lines = [{"LineAmount": amount(line["LineAmount"]), "AccountCode": line["AccountCode"], "TaxType": "NONE",
              "TaxAmount": NOTHING, "IsBlank": False} for line in journal["JournalLines"]]
    amounts = [line["LineAmount"] for line in lines]
    debits, credits = (sum((max(sign * each, NOTHING) for each in amounts), NOTHING) for sign in (1, -1))
    unknown = [line["AccountCode"] for line in lines if line["AccountCode"] not in usable]
    if unknown:
        raise invalid(*(f"Account code '{code}' is not a valid code for this document." for code in unknown))
    if debits != credits:
        raise invalid(f"The total debits ({debits}) must equal total credits ({credits})")
    if len(lines) < 2 or not journal["Narration"].strip():
        raise invalid("A manual journal needs a narration and two lines")
    if journal["Status"] not in ("DRAFT", "POSTED") or journal["LineAmountTypes"] != "NoTax":
        raise invalid("The status or the kind of line amounts is not valid")
    return keep("ManualJournals", {**journal, "Date": at_midnight(day), "JournalLines": lines})


@stand_in.route("PUT", f"{API}/CreditNotes")
def put_note(request):
    admitted(request, "accounting.invoices")
    known = {"Type", "Contact", "Date", "Status", "CurrencyCode", "Reference", "LineAmountTypes", "LineItems"}
    note, day = new(request, "CreditNotes", known)
    (line,) = note["LineItems"]
    total = amount(line["UnitAmount"]) * line["Quantity"]
    if note["Type"] != "ACCRECCREDIT" or note["Contact"] != {"ContactID": CONTACT["ContactID"]}:
        raise invalid("The type or the contact is not valid")
    if note["Status"] not in ("DRAFT", "SUBMITTED", "AUTHORISED") or line["AccountCode"] not in ACTIVE or total <= 0:
        raise invalid("The status, the account or the amount is not valid")
    # New Zealand's 15 %, of which an inclusive amount holds three parts in twenty-three.
    is_taxed = note["LineAmountTypes"] == "Inclusive" and line["TaxType"] == "OUTPUT2"
    tax = (total * 3 / 23).quantize(Decimal("0.01")) if is_taxed else NOTHING
    lines = [{**line, "UnitAmount": amount(line["UnitAmount"]), "LineAmount": total, "TaxAmount": tax}]
    kept = {**note, "Date": at_midnight(day), "Contact": CONTACT, "LineItems": lines, "SubTotal": total - tax,
            "TotalTax": tax, "Total": total, "RemainingCredit": total, "Allocations": [], "CreditNoteNumber": "CN-0001"}
    return keep("CreditNotes", kept)


stand_in.serve()

"""A stand-in for QuickBooks Online's Accounting API v3 and the door that gives tokens for it, made from what Intuit
publishes below https://developer.intuit.com/app/developer/qbo/docs/: api/accounting/all-entities/ (journalentry, account,
preferences, companyinfo), learn/explore-the-quickbooks-online-api/data-queries, develop/troubleshooting/error-codes and
develop/authentication-and-authorization/oauth-2.0.

One company in US dollars, whose books are closed up to the end of 2025, and which warns of a journal number that is there
twice. Its clock stands still, so that a new recording is the same as the old one. Amounts are exact, and numbers in its
JSON. It is stricter than QuickBooks: it refuses members that it does not know, and each refresh token is worth one token.
It remembers a `requestid`, and answers a repeat as it answered first.
"""

import json
import re
from datetime import date
from decimal import Decimal

from stand_in import Refused, StandIn

CLIENT = ("client-4711", "client-secret-4711")
REALM = "4620816365000000001"
COMPANY = f"/v3/company/{REALM}"
NOW = "2026-11-02T02:00:00-08:00"
CLOSED_UP_TO = date(2025, 12, 31)
NUMBER_CHARACTERS_MAX, NOTE_CHARACTERS_MAX, KEY_CHARACTERS_MAX = 21, 4000, 50

# How many refresh tokens were used up: the next one, and the access token beside the last, have that number.
used = 0
entries, answered = [], {}


def meta(record, number):
    times = {"CreateTime": NOW, "LastUpdatedTime": NOW}
    return {**record, "domain": "QBO", "sparse": False, "Id": str(number), "SyncToken": "0", "MetaData": times}


DOLLARS = {"value": "USD", "name": "United States Dollar"}


def account(number, code, name, kind, active=True):
    record = {"Name": name.rpartition(":")[2], "FullyQualifiedName": name, "Active": active, "AccountType": kind}
    return meta({**record, **({"AcctNum": code} if code else {}), "CurrencyRef": DOLLARS}, number)


ACCOUNTS = [
    account(35, "", "Checking", "Bank"),
    account(79, "4000", "Sales", "Income"),
    account(84, "1200", "Accounts Receivable (A/R)", "Accounts Receivable"),
    account(86, "6400", "Expenses:Goodwill", "Expense"),
    account(90, "", "Refund Clearing", "Other Current Liability"),
    account(91, "6999", "Old (deleted)", "Expense", active=False),
]
PREFERENCES = meta({
    "AccountingInfoPrefs": {"BookCloseDate": str(CLOSED_UP_TO), "UseAccountNumbers": True},
    "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": "USD"}},
    "OtherPrefs": {"NameValue": [{"Name": "WarnDuplicateJournalNumber", "Value": "true"}]},
}, 1)
COMPANY_INFO = meta({"CompanyName": "Sandbox Company_US_1", "Country": "US"}, 1)


def text(body):
    """JSON, with decimals as the numbers that they are."""
    marked = json.dumps(body, default=lambda amount: f"\0{amount}\0")
    return re.sub(r'"\\u0000(.*?)\\u0000"', r"\1", marked)


def said(status, body):
    headers = {"Content-Type": "application/json;charset=UTF-8", "intuit_tid": "1-69e00000-000000000000000000000001"}
    return status, text({**body, "time": NOW}), headers


def refusal(status, code, message, kind="ValidationFault"):
    error = {"Message": message, "Detail": f"{message}: details for people", "code": code, "element": ""}
    return Refused(*said(status, {"Fault": {"Error": [error], "type": kind}}))


stand_in = StandIn(
    state=lambda: text({"used": used, "keys": sorted(answered), "entries": entries}),
    unknown=lambda request: said(404, {"Fault": {"Error": [], "type": "SERVICE"}}),
)


@stand_in.route("POST", "/oauth2/v1/tokens/bearer")
def token(request):
    global used
    form = dict(request.form())
    if request.basic() != CLIENT:
        return 401, {"error": "invalid_client"}
    if form != {"grant_type": "refresh_token", "refresh_token": f"refresh-{used}"}:
        return 400, {"error": "invalid_grant", "error_description": "Incorrect or invalid refresh token"}
    used += 1
    return 200, {"token_type": "bearer", "access_token": f"access-{used}", "expires_in": 3600,
                 "refresh_token": f"refresh-{used}", "x_refresh_token_expires_in": 8726400}


def admitted(request):
    if not used or request.bearer() != f"access-{used}":
        # The door before the API writes its errors with other capitals.
        error = {"message": "message=AuthenticationFailed; errorCode=003200; statusCode=401", "detail": "", "code": "3200"}
        raise Refused(*said(401, {"fault": {"error": [error], "type": "AUTHENTICATION"}}))
    if request.headers.get("Accept") != "application/json":
        raise Refused(406, "<IntuitResponse>This stand-in speaks no XML</IntuitResponse>")
    if request.query.get("minorversion") != "75":
        raise refusal(400, "2010", "This stand-in speaks minor version 75")


@stand_in.route("GET", f"{COMPANY}/preferences")
def preferences(request):
    admitted(request)
    return said(200, {"Preferences": PREFERENCES})


@stand_in.route("GET", f"{COMPANY}/companyinfo/{{realm}}")
def company_info(request, realm):
    admitted(request)
    if realm != REALM:
        raise refusal(400, "610", "Object Not Found")
    return said(200, {"CompanyInfo": COMPANY_INFO})


def one(name, records, number):
    for record in records:
        if record["Id"] == number:
            return said(200, {name: record})
    raise refusal(400, "610", "Object Not Found")


@stand_in.route("GET", f"{COMPANY}/account/{{number}}")
def an_account(request, number):
    admitted(request)
    return one("Account", ACCOUNTS, number)


@stand_in.route("GET", f"{COMPANY}/journalentry/{{number}}")
def an_entry(request, number):
    admitted(request)
    return one("JournalEntry", entries, number)


@stand_in.route("GET", f"{COMPANY}/query")
def query(request):
    admitted(request)
    statement = request.query.get("query", "")
    accounts = re.fullmatch(
        r"SELECT \* FROM Account WHERE Active IN \(true, false\) ORDERBY Id STARTPOSITION (\d+) MAXRESULTS (\d+)", statement)
    numbered = re.fullmatch(r"SELECT \* FROM JournalEntry WHERE DocNumber = '([^'\\]*)'", statement)
    if accounts:
        start, most = int(accounts[1]), min(int(accounts[2]), 1000)
        return page("Account", ACCOUNTS[start - 1:start - 1 + most], start)
    if numbered:
        return page("JournalEntry", [entry for entry in entries if entry["DocNumber"] == numbered[1]], 1)
    if statement == "SELECT * FROM CompanyInfo":
        return page("CompanyInfo", [COMPANY_INFO], 1)
    raise refusal(400, "4000", "Error parsing query")


def page(name, records, start):
    # Where nothing is found, nothing is said.
    found = {name: records, "startPosition": start, "maxResults": len(records)} if records else {}
    return said(200, {"QueryResponse": found})


def posted(line):
    """One line of a new entry: its side, its amount, and the line as it is kept."""
    if set(line) != {"Amount", "DetailType", "JournalEntryLineDetail"} or line["DetailType"] != "JournalEntryLineDetail":
        raise refusal(400, "2010", "Request has invalid or unsupported property")
    detail, amount = line["JournalEntryLineDetail"], Decimal(line["Amount"])
    if set(detail) != {"PostingType", "AccountRef"} or detail["PostingType"] not in ("Debit", "Credit"):
        raise refusal(400, "2170", "Invalid Enumeration")
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        raise refusal(400, "6000", "A business validation error has occurred while processing your request")
    known = [one for one in ACCOUNTS if one["Id"] == detail["AccountRef"]["value"] and one["Active"]]
    if not known:
        raise refusal(400, "2500", "Invalid Reference Id")
    if known[0]["AccountType"].startswith("Accounts "):
        raise refusal(400, "6000", "When you use Accounts Receivable, you must choose a customer in the Name field")
    reference = {"value": known[0]["Id"], "name": known[0]["FullyQualifiedName"]}
    kept = {**line, "Amount": amount, "JournalEntryLineDetail": {**detail, "AccountRef": reference}}
    return detail["PostingType"], amount, kept


@stand_in.route("POST", f"{COMPANY}/journalentry")
def post_entry(request):
    admitted(request)
    key = request.query.get("requestid", "")
    if len(key) > KEY_CHARACTERS_MAX:
        raise refusal(400, "2050", "Request ID is too long")
    if key not in answered:
        made = new_entry(request)
        if key:
            answered[key] = made
    return answered.get(key) or made


def new_entry(request):
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise refusal(400, "1050", "Invalid Content Type")
    new = json.loads(request.body, parse_float=Decimal)
    if set(new) != {"DocNumber", "TxnDate", "PrivateNote", "CurrencyRef", "Line"}:
        raise refusal(400, "2010", "Request has invalid or unsupported property")
    if len(new["DocNumber"]) > NUMBER_CHARACTERS_MAX or len(new["PrivateNote"]) > NOTE_CHARACTERS_MAX:
        raise refusal(400, "2050", "String length is either shorter or longer than supported by specification")
    if new["CurrencyRef"] != {"value": "USD"}:
        raise refusal(400, "6000", "A business validation error has occurred while processing your request")
    if date.fromisoformat(new["TxnDate"]) <= CLOSED_UP_TO:
        raise refusal(400, "6210", "Account Period Closed")
    if any(entry["DocNumber"] == new["DocNumber"] for entry in entries):
        raise refusal(400, "6140", "Duplicate Document Number Error")
    lines = [posted(line) for line in new["Line"]]
    sides = {side: sum(amount for of, amount, _ in lines if of == side) for side in ("Debit", "Credit")}
    if len(lines) < 2 or sides["Debit"] != sides["Credit"]:
        raise refusal(400, "6000", "Your debits do not equal your credits")
    kept = [{"Id": str(place), **line} for place, (_, _, line) in enumerate(lines)]
    entry = {**new, "CurrencyRef": DOLLARS, "Line": kept, "Adjustment": False, "TotalAmt": 0}
    entries.append(meta(entry, 1001 + len(entries)))
    return said(200, {"JournalEntry": entries[-1]})


stand_in.serve()

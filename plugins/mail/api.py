"""What Resend says, and what it means: its refusals, by their names.

Sources: https://resend.com/docs/api-reference/errors, and https://github.com/resend/resend-node (`suspended_api_key`).
One name comes with more than one status. A key that is not known is a `validation_error`: 401 where a letter is sent,
400 elsewhere.
"""

import re

from countersign_sdk import Answer, Failure, denied, rejected, transient, uncertain

#: An error's name, such as `validation_error`. Its message is never repeated: it may hold an address.
WORD = re.compile(r"[a-z][a-z0-9_]{0,59}")
#: How long to wait at least where the quota of a day is used up: it ends at midnight UTC, and no clock is here.
DAILY_MS = 3_600_000


def ok(answer: Answer) -> Answer:
    """The answer itself if its status says success; else what it means."""
    if answer.is_success:
        return answer
    raise _failure(answer, word(answer)).answered(answer.status, answer.request_id)


def word(answer: Answer) -> str:
    """The name of the error; empty where the answer is not Resend's."""
    try:
        name = answer.json(dict).get("name")
    except Failure:
        # It is a proxy's, perhaps; the status speaks for itself.
        return ""
    return name if isinstance(name, str) and WORD.fullmatch(name) else ""


def _failure(answer: Answer, word: str) -> Failure:
    usual = answer.failure()
    if usual.case == "uncertain" or answer.status < 400 or 500 <= answer.status:
        return usual
    code, message = word.replace("_", "-"), f"the target answered {answer.status}"
    match word:
        case "application_error" | "internal_server_error":
            return (uncertain if answer.is_step else transient)("unavailable", message)
        case "missing_api_key" | "restricted_api_key" | "invalid_api_key" | "suspended_api_key":
            return denied(code, message)
        case "validation_error" if answer.status == 401 or not answer.is_step:
            # Nothing of a reading can be wrong but its key.
            return denied(code, message)
        case "validation_error" | "invalid_from_address":
            # With 403 it is a domain that is not verified: trouble of one mailbox, and not of the connection.
            return rejected(code, message)
        case "monthly_quota_exceeded":
            # Nobody waits for the next month: whoever owns the account can buy more.
            return denied(code, f"{message}: the month's letters are used up")
        case "daily_quota_exceeded":
            wait_ms = max(answer.retry_after_ms() or 0, DAILY_MS)
            return transient(code, f"{message}: the day's letters are used up", wait_ms)
        case "concurrent_idempotent_requests":
            # It may be sent by now: whoever asks again with the same key gets its answer.
            return uncertain(code, f"{message}: an earlier attempt is still going on")
        case "invalid_idempotent_request":
            # The key is this effect's, so something was sent for it already, and it was not this letter.
            return uncertain(code, f"{message}: another letter was sent under the key of this effect")
    if usual.case == "conflict" and answer.is_step:
        # There is no record here that could have moved: it is about what was sent under this key before.
        return uncertain(code or f"http-{answer.status}", message)
    usual.detail.code = code or usual.detail.code
    return usual

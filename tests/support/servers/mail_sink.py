"""A mail server for the tests: takes mails over SMTP and writes each as JSON, read by Python's own parser.

Usage: mail_sink.py PORT FOLDER [USER PASSWORD [tls|starttls CERTIFICATE KEY]]

A recipient called `gone` is refused for good, one called `busy` for now. With a user and a password
nobody else may send.
"""

import email
import email.policy
import json
import os
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Sink:
    """Keeps every mail as a file that appears as a whole."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "gone":
            return "550 5.1.1 there is no such mailbox"
        if name == "busy":
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        seen = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": [[name, str(value)] for name, value in mail.items()],
            "text": mail.get_content(),
            "raw": envelope.content.decode("utf-8", "replace"),
        }
        place = os.path.join(self.folder, f"{self.count:04}.json")
        with open(place + ".part", "w", encoding="utf-8") as file:
            json.dump(seen, file)
        os.rename(place + ".part", place)
        return f"250 2.0.0 kept as {self.count}"


def main():
    port, folder, login = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    options = {}
    if login:
        expected = LoginPassword(login[0].encode(), login[1].encode())

        def authenticate(server, session, envelope, mechanism, data):
            return AuthResult(success=data == expected, handled=False)

        options = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}
    if len(login) > 2:
        protected = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        protected.load_cert_chain(login[3], login[4])
        if login[2] == "tls":
            options["ssl_context"] = protected
        else:
            options.update(tls_context=protected, require_starttls=True)
    controller = Controller(Sink(folder), hostname="127.0.0.1", port=port, **options)
    controller.start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()

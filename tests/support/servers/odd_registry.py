"""A registry that is unlike docker-registry: it keeps the list of what refers to what by itself, says nowhere where it has
put a manifest, or is too busy to read a list that is kept under a tag. Everything is in memory.

Usage: odd_registry.py PORT (native|tag) [no-location]
`POST /busy` and `POST /idle` say whether lists under a tag can be read.
"""

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

port, mode, options = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
blobs, manifests, referrers, upload = {}, {}, {}, bytearray()
busy = False
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        self.answer(status, json.dumps({"errors": [{"code": code, "message": code}]}).encode())

    def handle_all(self):
        global busy
        url = urlparse(self.path)
        parts = url.path.strip("/").split("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if parts in (["busy"], ["idle"]):
            busy = parts == ["busy"]
            return self.answer(204)
        if parts == ["v2"]:
            return self.answer(200)
        kind, name = parts[-2], parts[-1]
        if kind == "manifests" and self.command == "PUT":
            return self.put_manifest(name, body)
        if kind == "manifests":
            if busy and name.startswith("sha256-"):
                return self.refuse(429, "TOOMANYREQUESTS")
            if name not in manifests:
                return self.refuse(404, "MANIFEST_UNKNOWN")
            media, data = manifests[name]
            return self.answer(200, data, Content_Type=media, Docker_Content_Digest=digest_of(data))
        if kind == "referrers":
            if mode != "native":
                return self.refuse(404, "NOT_FOUND")
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": referrers.get(name, [])}
            return self.answer(200, json.dumps(index).encode(), Content_Type=INDEX)
        return self.blob(name, parts, url, body)

    def put_manifest(self, name, body):
        manifest, media = json.loads(body), self.headers["Content-Type"]
        manifests[name] = manifests[digest_of(body)] = (media, body)
        if manifest.get("subject"):
            entry = {"mediaType": media, "digest": digest_of(body), "size": len(body)}
            entry["artifactType"] = manifest["artifactType"]
            referrers.setdefault(manifest["subject"]["digest"], []).append(entry)
        where = {} if "no-location" in options else {"Location": self.path}
        return self.answer(201, **where)

    def blob(self, name, parts, url, body):
        if self.command in ("GET", "HEAD"):
            if name not in blobs:
                return self.refuse(404, "BLOB_UNKNOWN")
            return self.answer(200, blobs[name], Docker_Content_Digest=name)
        here = "/" + "/".join(parts)
        if self.command == "POST":
            upload.clear()
            return self.answer(202, Location=here + "/1")
        upload.extend(body)
        if self.command == "PATCH":
            return self.answer(202, Location=here, Range=f"0-{len(upload) - 1}")
        wanted = parse_qs(url.query)["digest"][0]
        if wanted != digest_of(bytes(upload)):
            return self.refuse(400, "DIGEST_INVALID")
        blobs[wanted] = bytes(upload)
        return self.answer(201, Location=here)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_all


ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()

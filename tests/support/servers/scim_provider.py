"""An identity provider for tests: python-scim's own client and its compliance tester, against a host.

    scim_provider.py URL TOKEN check           every check of the tester, one JSON line each
    scim_provider.py URL TOKEN create NAME     creates a user and prints it
    scim_provider.py URL TOKEN find NAME       finds one by its user name
    scim_provider.py URL TOKEN active ID true|false
    scim_provider.py URL TOKEN delete ID
    scim_provider.py URL TOKEN group NAME ID.. makes or replaces a group with these members
"""

import json
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation, SearchRequest
from scim2_tester import check_server


def check(client):
    for result in check_server(client):
        line = {
            "check": result.title,
            "of": result.resource_type or "",
            "status": result.status.name,
            "reason": str(result.reason or ""),
        }
        print(json.dumps(line))


def shown(resource):
    print(resource.model_dump_json(by_alias=True, exclude_none=True))


def main(url, token, verb, *words):
    http = Client(base_url=f"{url}/scim/v2", headers={"Authorization": f"Bearer {token}"})
    client = SyncSCIMClient(http)
    if verb == "check":
        return check(client)
    client.discover()
    User, Group = client.get_resource_model("User"), client.get_resource_model("Group")
    if verb == "create":
        shown(client.create(User(user_name=f"{words[0]}@example.com", active=True)))
    elif verb == "find":
        wanted = SearchRequest(filter=f'userName eq "{words[0]}@example.com"')
        for user in client.query(User, query_parameters=wanted).resources or []:
            shown(user)
    elif verb == "active":
        change = PatchOperation(op=PatchOperation.Op.replace_, path="active", value=words[1] == "true")
        shown(client.modify(User, words[0], PatchOp[User](operations=[change])))
    elif verb == "delete":
        client.delete(User, words[0])
    elif verb == "group":
        members = [Group.Members(value=word) for word in words[1:]]
        wanted = SearchRequest(filter=f'displayName eq "{words[0]}"')
        known = client.query(Group, query_parameters=wanted).resources or []
        group = Group(display_name=words[0], members=members)
        if known:
            group.id = known[0].id
            shown(client.replace(group))
        else:
            shown(client.create(group))
    else:
        sys.exit(f"unknown verb {verb}")


if __name__ == "__main__":
    main(*sys.argv[1:])

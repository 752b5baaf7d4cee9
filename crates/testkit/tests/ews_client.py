"""Drives the EWS simulator with exchangelib, a client that others wrote: what it can't use is not shaped as Exchange's answers are."""

import base64
import sys

import requests
from exchangelib import BASIC, DELEGATE, NTLM, Account, Build, Configuration, Credentials, FailFast, Message, Version
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.errors import ErrorInvalidSyncStateData, ErrorItemNotFound, UnauthorizedError
from exchangelib.folders import Inbox, Root
from exchangelib.properties import DistinguishedFolderId, FolderId
from exchangelib.services import GetFolder
from requests_ntlm import HttpNtlmAuth

# The root to trust comes in REQUESTS_CA_BUNDLE, where there is TLS.
url, autodiscover, address, username, password, scheme, protection = sys.argv[1:]


def account_with(secret):
    config = Configuration(
        service_endpoint=url,
        credentials=Credentials(username, secret),
        auth_type={"basic": BASIC, "ntlm": NTLM}[scheme],
        version=Version(Build(15, 2, 1544, 4)),
        retry_policy=FailFast(),
    )
    return Account(address, config=config, autodiscover=False, access_type=DELEGATE)


account = account_with(password)
# The mailbox's root is not among what the simulator knows; the client would ask for it.
root = account.root = Root(account=account, _id=FolderId(id="root"), name="root")
inbox_id = DistinguishedFolderId(id="inbox")
found = next(iter(GetFolder(account=account).call(folders=[Inbox(root=root, _distinguished_id=inbox_id)], additional_fields=None, shape="IdOnly")))
inbox = Inbox(root=root, _id=FolderId(id=found.id, changekey=found.changekey), name="Inbox")

changes = list(inbox.sync_items(only_fields=["subject", "datetime_received"], max_changes_returned=2))
assert [kind for kind, _ in changes] == ["create"] * 3, changes
state = inbox.item_sync_state
ids = [item for _, item in changes]
fields = ["subject", "headers", "sender", "to_recipients", "message_id", "conversation_index", "conversation_id", "size", "mime_content"]
items = list(account.fetch(ids=ids, only_fields=fields))
assert all(isinstance(item, Message) for item in items), items
by_id = {item.message_id: item for item in items}
item = by_id["<m1@x>"]
assert item.subject == "number 1 & <more>", item.subject
assert item.to_recipients[0].email_address == "rep@sales.example"
assert next(h.value for h in item.headers if h.name == "In-Reply-To") == "<s1@sales.example>"
assert item.mime_content.startswith(b"From: Kevin") and item.size == len(item.mime_content)
assert item.conversation_id.id and item.conversation_index

assert list(inbox.sync_items(sync_state=state, only_fields=["subject"])) == []
try:
    list(inbox.sync_items(sync_state=base64.b64encode(b"nonsense").decode(), only_fields=["subject"]))
    raise SystemExit("a sync state that is none was taken")
except ErrorInvalidSyncStateData:
    pass
gone = list(account.fetch(ids=[(FolderId(id="bm9uZQ==").id, "x")], only_fields=["subject"]))
assert isinstance(gone[0], ErrorItemNotFound), gone

subscription = inbox.subscribe_to_streaming()
print("listening", flush=True)
notification = next(iter(inbox.get_streaming_events(subscription, connection_timeout=1, max_notifications_returned=1)))
assert any(type(event).__name__ == "NewMailEvent" for event in notification.events), notification

try:
    list(account_with("wrong").fetch(ids=ids, only_fields=["subject"]))
    raise SystemExit("a wrong password was taken")
except UnauthorizedError:
    pass

if scheme == "ntlm":
    # Python's NTLM is another implementation than the agent's and the simulator's.
    def status(session, **more):
        return session.post(url, data="", **more).status_code

    session = requests.Session()
    assert status(session) == 401
    # An empty request is none, which is said only to those who are let in; then the connection is known.
    assert status(session, auth=HttpNtlmAuth(username, password)) == 400
    assert status(session) == 400
    assert status(requests.Session()) == 401
    assert status(requests.Session(), auth=HttpNtlmAuth(username, "wrong")) == 401
    without_binding = status(requests.Session(), auth=HttpNtlmAuth(username, password, send_cbt=False))
    assert without_binding == (401 if protection == "extended" else 400), without_binding

config = Configuration(
    service_endpoint=autodiscover,
    credentials=Credentials(username, password),
    auth_type={"basic": BASIC, "ntlm": NTLM}[scheme],
    retry_policy=FailFast(),
)
found = AutodiscoverProtocol(config=config).get_user_settings(user=address, settings=["internal_ews_url", "external_ews_url"])
assert found.ews_url == url, found.ews_url
print("agrees")

"""Drives the Salesforce simulator with simple-salesforce, a client that others wrote: what it can't use is not shaped as Salesforce's is."""

import sys

import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceMalformedRequest, SalesforceResourceNotFound

url, client_id, client_secret = sys.argv[1:]


class Loopback(requests.adapters.HTTPAdapter):
    """The client insists on https; the simulator speaks http."""

    def send(self, request, **kwargs):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **kwargs)


session = requests.Session()
session.trust_env = False
grant = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
token = session.post(f"{url}/services/oauth2/token", data=grant).json()
session.mount("https://", Loopback())
sf = Salesforce(instance_url=token["instance_url"], session_id=token["access_token"], version="67.0", session=session)

assert any(o["name"] == "EmailMessage" for o in sf.describe()["sobjects"])
assert sf.EmailMessage.describe()["createable"] is True
assert sf.limits()["DailyApiRequests"]["Max"] > 0

flynn = sf.Contact.create({"LastName": "O'Flynn", "Email": "flynn@flynnsarcade.com"})["id"]
assert len(flynn) == 18 and sf.Contact.get(flynn)["LastName"] == "O'Flynn"
assert sf.Contact.update(flynn, {"HasOptedOutOfEmail": True}) == 204
found = sf.query("SELECT Id, HasOptedOutOfEmail FROM Contact WHERE LastName = 'O\\'Flynn' AND (Email IN ('a@x', 'FLYNN@flynnsarcade.com'))")
assert found["totalSize"] == 1 and found["done"] and found["records"][0]["HasOptedOutOfEmail"] is True, found

for n in range(450):
    sf.Lead.create({"LastName": f"Lead {n}", "Company": "Many"})
pages = sf.query_all("SELECT Id FROM Lead WHERE Company = 'Many' ORDER BY LastName")
assert pages["totalSize"] == len(pages["records"]) == 450

some = [lead["Id"] for lead in pages["records"][:2]]
assert sf.Lead.delete(some[0]) == 204
deleted = sf.query_all("SELECT Id FROM Lead WHERE IsDeleted = true ORDER BY SystemModstamp, Id", include_deleted=True)
assert [lead["Id"] for lead in deleted["records"]] == some[:1], deleted
assert sf.query("SELECT Id FROM Lead WHERE IsDeleted = true")["totalSize"] == 0
assert sf.query("SELECT Id FROM Lead WHERE SystemModstamp > 2020-01-01T00:00:00Z AND Company = 'Many' LIMIT 1")["totalSize"] == 1

key = "Answerback_Key__c/abc"
assert sf.Task.upsert(key, {"Subject": "Reply: 1", "WhoId": flynn}) == 201
assert sf.Task.upsert(key, {"Subject": "Reply: 2"}) == 200
assert [t["Subject"] for t in sf.query_all("SELECT Subject FROM Task")["records"]] == ["Reply: 2"]


def refused(code, error, call):
    try:
        call()
    except error as raised:
        assert raised.content[0]["errorCode"] == code, raised.content
    else:
        raise AssertionError(f"{code} was expected")


refused("MALFORMED_QUERY", SalesforceMalformedRequest, lambda: sf.query("SELECT FROM"))
refused("INVALID_FIELD", SalesforceMalformedRequest, lambda: sf.query("SELECT No__c FROM Contact"))
refused("INVALID_TYPE", SalesforceMalformedRequest, lambda: sf.query("SELECT Id FROM No__c"))
refused("REQUIRED_FIELD_MISSING", SalesforceMalformedRequest, lambda: sf.Lead.create({"LastName": "x"}))
refused("STRING_TOO_LONG", SalesforceMalformedRequest, lambda: sf.Task.create({"Subject": "x" * 256}))
email = sf.EmailMessage.create({"Subject": "x", "Answerback_Key__c": "k", "ToIds": [flynn]})["id"]
refused("DUPLICATE_VALUE", SalesforceMalformedRequest, lambda: sf.EmailMessage.create({"Answerback_Key__c": "k"}))
refused("INVALID_FIELD_FOR_INSERT_UPDATE", SalesforceMalformedRequest, lambda: sf.EmailMessage.update(email, {"Subject": "y"}))
relation = sf.query("SELECT RelationId, RelationType FROM EmailMessageRelation")["records"][0]
assert (relation["RelationId"], relation["RelationType"]) == (flynn, "ToAddress")
assert sf.EmailMessage.delete(email) == 204
refused("NOT_FOUND", SalesforceResourceNotFound, lambda: sf.EmailMessage.get(email))

parts = [
    {"method": "POST", "url": "/services/data/v67.0/sobjects/EmailMessage", "referenceId": "entry", "body": {"Subject": "z"}},
    {"method": "POST", "url": "/services/data/v67.0/sobjects/EmailMessageRelation", "referenceId": "author",
     "body": {"EmailMessageId": "@{entry.id}", "RelationType": "NoSuch"}},
]
answer = sf.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": parts})["compositeResponse"]
codes = [part["body"][0]["errorCode"] for part in answer]
assert codes == ["PROCESSING_HALTED", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"], codes
assert sf.query("SELECT Id FROM EmailMessage")["totalSize"] == 0

refused("NOT_FOUND", SalesforceResourceNotFound,
        lambda: sf.restful("actions/standard/removeTargetFromSalesCadence", method="POST", json={"inputs": []}))

stranger = Salesforce(instance_url=url, session_id="none", version="67.0", session=session)
refused("INVALID_SESSION_ID", SalesforceExpiredSession, lambda: stranger.query("SELECT Id FROM Contact"))
print("simple-salesforce agrees")

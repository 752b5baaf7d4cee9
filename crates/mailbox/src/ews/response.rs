//! Answers, as SOAP gives them.

use std::borrow::Cow;
use std::time::Duration;

use roxmltree::{Document, Node};

use super::refusal::Refusal;

/// What an answer says: one result for each thing that was asked for, or a refusal of the whole. `None` when it is no answer of
/// Exchange's.
pub(super) fn read<T>(
    text: &str,
    status: u16,
    each: impl Fn(Node<'_, '_>) -> Option<T>,
) -> Option<Result<Vec<Result<T, Refusal>>, Refusal>> {
    let text = without_forbidden(text);
    let document = Document::parse(&text).ok()?;
    let body = child(document.root_element(), "Body")?;
    if let Some(fault) = child(body, "Fault") {
        return Some(Err(of_fault(fault, status)));
    }
    let messages = child(body.first_element_child()?, "ResponseMessages")?;
    let results = messages.children().filter(Node::is_element).map(|message| {
        if message.attribute("ResponseClass") == Some("Error") {
            return Some(Err(refusal(message, status)));
        }
        each(message).map(Ok)
    });
    Some(Ok(results.collect::<Option<_>>()?))
}

fn refusal(message: Node<'_, '_>, status: u16) -> Refusal {
    let code = text_of(message, "ResponseCode").unwrap_or_default();
    Refusal::new(status, code, back_off(message))
}

/// What is wrong with a request as a whole is a SOAP fault, with Exchange's code in its details.
fn of_fault(fault: Node<'_, '_>, status: u16) -> Refusal {
    let named = |name: &str| fault.descendants().find(|node| node.tag_name().name() == name)?.text();
    // `a:ErrorServerBusy`
    let code = named("ResponseCode").or_else(|| named("faultcode")).unwrap_or_default();
    let code = code.rsplit(':').next().unwrap_or_default();
    Refusal::new(status, code, back_off(fault))
}

/// `<t:MessageXml><t:Value Name="BackOffMilliseconds">…`
fn back_off(node: Node<'_, '_>) -> Option<Duration> {
    let value = node.descendants().find(|node| node.attribute("Name") == Some("BackOffMilliseconds"))?;
    value.text()?.trim().parse().ok().map(Duration::from_millis)
}

/// The child element of this name, whatever its prefix.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

/// The text in the child element of this name.
pub(super) fn text_of<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text()
}

/// The id in the child element of this name.
pub(super) fn id_in(node: Node<'_, '_>, name: &str) -> Option<String> {
    Some(child(node, name)?.attribute("Id")?.to_owned())
}

/// Exchange writes characters of a mail that XML forbids as references (`&#x1B;`), which makes its answer no XML. Each
/// gives way to the replacement character.
fn without_forbidden(text: &str) -> Cow<'_, str> {
    let mut cleaned = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("&#") {
        let (before, from) = rest.split_at(at);
        let Some(end) = from.get(..12.min(from.len())).and_then(|start| start.find(';')) else {
            cleaned.push_str(before);
            cleaned.push_str("&#");
            rest = from.get(2..).unwrap_or_default();
            continue;
        };
        let (reference, after) = from.split_at(end + 1);
        cleaned.push_str(before);
        cleaned.push_str(if is_allowed(reference) { reference } else { "\u{FFFD}" });
        rest = after;
    }
    if cleaned.is_empty() {
        return Cow::Borrowed(text);
    }
    cleaned.push_str(rest);
    Cow::Owned(cleaned)
}

/// XML 1.0, 2.2: Char.
fn is_allowed(reference: &str) -> bool {
    let number = reference.trim_start_matches("&#").trim_end_matches(';');
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..);
    code.ok().and_then(char::from_u32).is_some_and(allowed)
}

#[cfg(test)]
mod tests {
    use super::super::refusal::Meaning;
    use super::*;

    fn ids(text: &str) -> Option<Result<Vec<Result<String, Refusal>>, Refusal>> {
        read(text, 200, |message| id_in(message, "ItemId"))
    }

    const HEAD: &str = r#"<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body
        xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"
        xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">"#;

    #[test]
    fn each_part_has_its_own_result() {
        let text = format!(
            r#"{HEAD}<m:GetItemResponse><m:ResponseMessages>
            <m:GetItemResponseMessage ResponseClass="Success"><t:ItemId Id="a&amp;b"/></m:GetItemResponseMessage>
            <m:GetItemResponseMessage ResponseClass="Error"><m:ResponseCode>ErrorItemNotFound</m:ResponseCode></m:GetItemResponseMessage>
            </m:ResponseMessages></m:GetItemResponse></s:Body></s:Envelope>"#
        );
        let parts = ids(&text).unwrap().unwrap();
        assert_eq!(parts.first().unwrap().as_ref().unwrap(), "a&b");
        assert_eq!(parts.last().unwrap().as_ref().unwrap_err().meaning(), Meaning::Gone);
    }

    #[test]
    fn a_busy_server_says_how_long_to_wait() {
        let text = format!(
            r#"{HEAD}<s:Fault><faultcode xmlns:a="x">a:ErrorServerBusy</faultcode><detail>
            <e:ResponseCode xmlns:e="x">ErrorServerBusy</e:ResponseCode>
            <t:MessageXml><t:Value Name="BackOffMilliseconds">1500</t:Value></t:MessageXml></detail></s:Fault></s:Body></s:Envelope>"#
        );
        let refusal = ids(&text).unwrap().unwrap_err();
        assert_eq!(refusal.meaning(), Meaning::NotNow(Duration::from_millis(1500)));
    }

    #[test]
    fn characters_that_xml_forbids_do_no_harm() {
        assert_eq!(
            without_forbidden("a &#x1B; b &#0;&#x41;&#xFFFF; &# &#x"),
            "a \u{FFFD} b \u{FFFD}&#x41;\u{FFFD} &# &#x"
        );
        assert!(matches!(without_forbidden("nothing & nobody"), Cow::Borrowed(_)));
    }

    #[test]
    fn anything_else_is_no_answer() {
        for text in
            ["", "<html><body>Welcome</body></html>", "<!DOCTYPE x [<!ENTITY y \"z\">]><x>&y;</x>", HEAD]
        {
            assert!(ids(text).is_none(), "{text}");
        }
    }
}

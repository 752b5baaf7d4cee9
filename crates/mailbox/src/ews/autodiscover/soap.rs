//! Autodiscover in SOAP: `GetUserSettings` ([MS-OXWSADISC] 3.1.4.3).

use quick_xml::escape::escape;
use roxmltree::{Document, Node};

use super::Answer;
use crate::ews::response::{child, text_of};

/// From outside, from inside.
const SETTINGS: [&str; 2] = ["ExternalEwsUrl", "InternalEwsUrl"];

/// A question about `address` to the service at `url`, which has to be said in it.
pub(super) fn request(url: &str, address: &str) -> String {
    const SERVICE: &str = "http://schemas.microsoft.com/exchange/2010/Autodiscover";
    let settings = SETTINGS.map(|name| format!("<a:Setting>{name}</a:Setting>")).concat();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:w=\"http://www.w3.org/2005/08/addressing\" xmlns:a=\"{SERVICE}\"><s:Header>\
         <a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion><w:Action>{SERVICE}/Autodiscover/GetUserSettings</w:Action>\
         <w:To>{}</w:To></s:Header><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>{}</a:Mailbox>\
         </a:User></a:Users><a:RequestedSettings>{settings}</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage>\
         </s:Body></s:Envelope>",
        escape(url),
        escape(address)
    )
}

pub(super) fn read(text: &str) -> Option<Answer> {
    let document = Document::parse(text).ok()?;
    let message = child(child(document.root_element(), "Body")?, "GetUserSettingsResponseMessage")?;
    let response = child(message, "Response")?;
    // What is wrong with the whole is said once, and else with each user.
    let user = child(response, "UserResponses").and_then(|users| child(users, "UserResponse"));
    let code = |node: Node<'_, '_>| text_of(node, "ErrorCode").map(str::to_owned);
    let codes = [code(response), user.and_then(code)];
    if codes.iter().flatten().any(|code| code == "ServerBusy") {
        return Some(Answer::Busy);
    }
    let user = user?;
    let target = text_of(user, "RedirectTarget").map(str::to_owned);
    match code(user)?.as_str() {
        "NoError" => SETTINGS.into_iter().find_map(|name| setting(user, name)).map(Answer::Found),
        "RedirectAddress" => target.map(Answer::Address),
        "RedirectUrl" => target.map(Answer::Elsewhere),
        _ => None,
    }
}

fn setting(user: Node<'_, '_>, name: &str) -> Option<String> {
    let mut settings = child(user, "UserSettings")?.children().filter(Node::is_element);
    let found = settings.find(|setting| text_of(*setting, "Name") == Some(name))?;
    text_of(found, "Value").map(str::to_owned).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: &str, user: &str) -> Option<Answer> {
        read(&format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><GetUserSettingsResponseMessage \
             xmlns=\"http://schemas.microsoft.com/exchange/2010/Autodiscover\"><Response><ErrorCode>{code}</ErrorCode><UserResponses>\
             <UserResponse>{user}</UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>"
        ))
    }

    #[test]
    fn every_answer_of_the_service_is_understood() {
        let setting = |name: &str, value: &str| {
            format!("<UserSetting><Name>{name}</Name><Value>{value}</Value></UserSetting>")
        };
        let inside = setting("InternalEwsUrl", "https://in/");
        let both = format!("{inside}{}", setting("ExternalEwsUrl", "https://out/"));
        let settings =
            |settings: &str| format!("<ErrorCode>NoError</ErrorCode><UserSettings>{settings}</UserSettings>");
        let redirect = |code: &str, to: &str| {
            format!("<ErrorCode>{code}</ErrorCode><RedirectTarget>{to}</RedirectTarget>")
        };
        for (code, user, expected) in [
            ("NoError", settings(&both), Some(Answer::Found("https://out/".into()))),
            ("NoError", settings(&inside), Some(Answer::Found("https://in/".into()))),
            ("NoError", settings(""), None),
            ("NoError", redirect("RedirectAddress", "rep@x"), Some(Answer::Address("rep@x".into()))),
            ("NoError", redirect("RedirectUrl", "https://x/"), Some(Answer::Elsewhere("https://x/".into()))),
            ("NoError", redirect("InvalidUser", ""), None),
            ("NoError", redirect("ServerBusy", ""), Some(Answer::Busy)),
            ("ServerBusy", String::new(), Some(Answer::Busy)),
            ("InvalidRequest", String::new(), None),
        ] {
            assert_eq!(answer(code, &user), expected, "{code} {user}");
        }
        assert_eq!(read("<html/>"), None);
    }

    #[test]
    fn an_address_can_not_leave_its_place() {
        let text = request("https://x/?a&b", "</a:Mailbox><a:Evil>");
        let document = Document::parse(&text).unwrap();
        assert!(!document.descendants().any(|node| node.tag_name().name() == "Evil"), "{text}");
    }
}

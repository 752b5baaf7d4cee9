//! Autodiscover in plain old XML ([MS-OXDSCLI]).

use quick_xml::escape::escape;
use roxmltree::Document;

use super::Answer;
use crate::ews::response::{child, text_of};

pub(super) fn request(address: &str) -> String {
    const SCHEMA: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook";
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover xmlns=\"{SCHEMA}/requestschema/2006\"><Request>\
         <EMailAddress>{}</EMailAddress><AcceptableResponseSchema>{SCHEMA}/responseschema/2006a</AcceptableResponseSchema>\
         </Request></Autodiscover>",
        escape(address)
    )
}

pub(super) fn read(text: &str) -> Option<Answer> {
    let document = Document::parse(text).ok()?;
    let account = child(child(document.root_element(), "Response")?, "Account")?;
    match text_of(account, "Action")? {
        "redirectAddr" => Some(Answer::Address(text_of(account, "RedirectAddr")?.to_owned())),
        "redirectUrl" => Some(Answer::Elsewhere(text_of(account, "RedirectUrl")?.to_owned())),
        _ => {
            // From outside, from anywhere, from inside.
            let of_type = |kind: &str| {
                let protocols = account.children().filter(|node| node.tag_name().name() == "Protocol");
                let mut fitting = protocols.filter(|node| text_of(*node, "Type") == Some(kind));
                fitting.find_map(|node| text_of(node, "EwsUrl"))
            };
            let url = ["EXPR", "EXHTTP", "EXCH"].into_iter().find_map(of_type)?;
            Some(Answer::Found(url.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(account: &str) -> Option<Answer> {
        read(&format!(
            "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\"><Response \
             xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a\"><Account>{account}</Account>\
             </Response></Autodiscover>"
        ))
    }

    #[test]
    fn the_url_for_those_outside_goes_before_the_one_for_those_inside() {
        let protocol =
            |kind: &str| format!("<Protocol><Type>{kind}</Type><EwsUrl>https://{kind}/</EwsUrl></Protocol>");
        let both = format!("<Action>settings</Action>{}{}", protocol("EXCH"), protocol("EXPR"));
        assert_eq!(answer(&both), Some(Answer::Found("https://EXPR/".into())));
        let inside = format!("<Action>settings</Action>{}{}", protocol("WEB"), protocol("EXCH"));
        assert_eq!(answer(&inside), Some(Answer::Found("https://EXCH/".into())));
        assert_eq!(answer("<Action>settings</Action>"), None);
        let address = "<Action>redirectAddr</Action><RedirectAddr>rep@other.example</RedirectAddr>";
        assert_eq!(answer(address), Some(Answer::Address("rep@other.example".into())));
        assert_eq!(read("<html/>"), None);
    }
}

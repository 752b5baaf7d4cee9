//! Where the mailbox is, for those inside and those outside.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State as Shares};
use axum::http::{HeaderMap, Response, StatusCode};
use quick_xml::escape::escape;
use roxmltree::{Document, Node};

use super::answer::{redirect, respond, shut_out, web_page};
use super::door::Line;
use super::server::{Fault, Shared};
use super::soap::child;

const INSIDE: &str = "http://inside.invalid/EWS/Exchange.asmx";

/// Plain old XML ([MS-OXDSCLI] 3.1.5.3).
pub(super) async fn in_plain_xml(
    Shares(shared): Shares<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Some(refusal) = turn_away(&shared, &headers, &line, "Autodiscover") {
        return refusal;
    }
    let text = String::from_utf8_lossy(&body);
    let asked = text.contains(&format!("<EMailAddress>{}</EMailAddress>", shared.address));
    let account = if asked {
        format!(
            "<User><DisplayName>Rep</DisplayName></User>\
             <Account><AccountType>email</AccountType><Action>settings</Action><Protocol><Type>EXCH</Type>\
             <EwsUrl>{INSIDE}</EwsUrl></Protocol><Protocol><Type>EXPR</Type><EwsUrl>{}</EwsUrl></Protocol></Account>",
            outside(&shared, &headers)
        )
    } else {
        "<Error Time=\"08:00:00.0000000\" Id=\"1\"><ErrorCode>500</ErrorCode><Message>The e-mail address can't be found.</Message>\
         <DebugData/></Error>"
            .to_owned()
    };
    let answer = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\"><Response \
         xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a\">{account}</Response></Autodiscover>"
    );
    shared.note("Autodiscover", &text, &answer);
    respond(StatusCode::OK, answer.into())
}

/// SOAP ([MS-OXWSADISC] 3.1.4.3).
pub(super) async fn in_soap(
    Shares(shared): Shares<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Some(refusal) = turn_away(&shared, &headers, &line, "AutodiscoverSoap") {
        return refusal;
    }
    let text = String::from_utf8_lossy(&body);
    let Ok(document) = Document::parse(&text) else {
        return respond(StatusCode::BAD_REQUEST, Body::empty());
    };
    let answer = match asked(&document) {
        Some((mailbox, settings)) if mailbox == shared.address => {
            let outside = outside(&shared, &headers);
            let value = |name: &str| match name {
                "ExternalEwsUrl" => Some(outside.as_str()),
                "InternalEwsUrl" => Some(INSIDE),
                _ => None,
            };
            let settings = settings.iter().filter_map(|name| {
                Some(format!(
                    "<UserSetting i:type=\"StringSetting\"><Name>{name}</Name><Value>{}</Value></UserSetting>",
                    escape(value(name)?)
                ))
            });
            let settings: String = settings.collect();
            user(
                "NoError",
                "No error.",
                &format!("<UserSettingErrors/><UserSettings>{settings}</UserSettings>"),
            )
        }
        Some(_) => user("InvalidUser", "The user can't be found.", "<UserSettingErrors/><UserSettings/>"),
        None => response("InvalidRequest", "The request is invalid.", "<UserResponses/>"),
    };
    shared.note("Autodiscover", &text, &answer);
    respond(StatusCode::OK, answer.into())
}

/// Who may not come in, and what was arranged to go wrong. SOAP is told apart by its name.
fn turn_away(shared: &Shared, headers: &HeaderMap, line: &Line, name: &str) -> Option<Response<Body>> {
    if let Err(refusal) = shared.let_in(headers, line) {
        return Some(shut_out(refusal));
    }
    match shared.script.fault(name.to_owned(), name)? {
        Fault::Redirect(to) => Some(redirect(&to)),
        Fault::Unavailable => Some(respond(StatusCode::SERVICE_UNAVAILABLE, Body::empty())),
        _ => Some(web_page()),
    }
}

/// As it was reached.
fn outside(shared: &Shared, headers: &HeaderMap) -> String {
    let host = headers.get("Host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("{}://{host}/EWS/Exchange.asmx", shared.scheme())
}

/// The mailbox and the settings that are asked for, where the elements come in the order of the schema and the action is said in the
/// header, as WS-Addressing wants it.
fn asked<'a>(document: &'a Document<'_>) -> Option<(&'a str, Vec<&'a str>)> {
    let envelope = document.root_element();
    let action = child(child(envelope, "Header")?, "Action")?.text()?;
    let message = child(child(envelope, "Body")?, "GetUserSettingsRequestMessage")?;
    let request = child(message, "Request")?;
    let parts: Vec<Node<'_, '_>> = request.children().filter(Node::is_element).collect();
    let [users, wanted] = parts.as_slice() else { return None };
    let in_order = users.tag_name().name() == "Users" && wanted.tag_name().name() == "RequestedSettings";
    let mailbox = child(child(*users, "User")?, "Mailbox")?.text()?;
    let settings = wanted.children().filter_map(|setting| setting.text()).collect();
    (in_order && action.ends_with("/Autodiscover/GetUserSettings")).then_some((mailbox, settings))
}

fn user(code: &str, message: &str, rest: &str) -> String {
    response(
        "NoError",
        "No error.",
        &format!(
            "<UserResponses><UserResponse><ErrorCode>{code}</ErrorCode><ErrorMessage>{message}</ErrorMessage>\
             <RedirectTarget i:nil=\"true\"/>{rest}</UserResponse></UserResponses>"
        ),
    )
}

fn response(code: &str, message: &str, rest: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header>\
         <a:Action s:mustUnderstand=\"1\">http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettingsResponse\
         </a:Action><h:ServerVersionInfo xmlns:h=\"http://schemas.microsoft.com/exchange/2010/Autodiscover\"><h:MajorVersion>15\
         </h:MajorVersion><h:MinorVersion>2</h:MinorVersion><h:MajorBuildNumber>1544</h:MajorBuildNumber><h:MinorBuildNumber>4\
         </h:MinorBuildNumber><h:Version>Exchange2015</h:Version></h:ServerVersionInfo></s:Header><s:Body>\
         <GetUserSettingsResponseMessage xmlns=\"http://schemas.microsoft.com/exchange/2010/Autodiscover\"><Response \
         xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><ErrorCode>{code}</ErrorCode><ErrorMessage>{message}</ErrorMessage>{rest}\
         </Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>"
    )
}

//! What elements and their attributes say about the text inside: how each mail program marks quotes and signatures.

/// What an element is, for the text inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing special.
    Plain,
    /// Holds a quote, or the line that introduces it.
    Quote,
    /// The message that is answered begins here and has no end.
    Rest,
    /// Holds the author's signature.
    Signature,
    /// Is not shown.
    Hidden,
}

/// An attribute of a start tag; the name as written.
pub(super) struct Attribute<'a> {
    pub name: &'a str,
    pub value: &'a str,
}

/// Classes and ids of elements that hold what is quoted.
const QUOTES: &[&str] = &[
    // Gmail and Google Groups.
    "gmail_quote",
    "gmail_quote_container",
    "gmail_attr",
    // Thunderbird.
    "moz-cite-prefix",
    "moz-forward-container",
    "moz-email-headers-table",
    // Yahoo.
    "yahoo_quoted",
    "yahoo-quoted-begin",
    "qtdseparatebr",
    // Proton, Tuta, Zoho, Fastmail, Front, Missive, Superhuman.
    "protonmail_quote",
    "tutanota_quote",
    "zmail_extra",
    "zmail_extra_hr",
    "qt",
    "front-blockquote",
    "missive_quote",
    "sh-quoted-content",
    // Outlook for Mac, for phones and the new one.
    "olk_src_body_section",
    "mail-editor-reference-message-container",
    "ms-outlook-mobile-reference-message",
    "mailoriginal",
    // Mail.ru, Yandex, NetEase, QQ, Naver, Daum.
    "js-helper",
    "isreplycontent",
    "cm_quote_msg",
    "ntes_quote",
    "qqmail_quote",
    "mail_quote",
    // Spark, Mailbird, eM Client, Postbox, Lotus iNotes, freenet, GMX.
    "spark_quote",
    "quoted-text",
    "quote",
    "reply-quote",
    "replyquote",
    "emailquote",
    "quoted_message",
    "mb_sig_quote",
    "ae_quote",
    "__postbox-detected-content",
    "gmx_quote",
    "original-message",
    "originalmessage",
    "quotedtext",
    "reply-header",
];

/// Ids of elements behind which, at any depth, everything is the message that is answered.
const RESTS: &[&str] = &[
    "divrplyfwdmsg",
    "appendonsend",
    "stopspelling",
    "mailbackground",
    "zwchr",
    "oriquotemsg",
    "x_divrplyfwdmsg",
];

/// What the element is, from its name (in lower case) and its attributes.
pub(super) fn role(name: &[u8], attributes: &[Attribute<'_>]) -> Role {
    let mut role = Role::Plain;
    let quote_element = name == b"blockquote";
    let mut indent = false;
    for attribute in attributes {
        let value = attribute.value;
        if is(attribute.name, "class") || is(attribute.name, "id") {
            for token in value.split_ascii_whitespace().take(32) {
                let token = token.to_ascii_lowercase();
                if is(attribute.name, "id") && RESTS.contains(&token.as_str()) {
                    return Role::Rest;
                }
                if QUOTES.contains(&token.as_str()) {
                    role = Role::Quote;
                } else if role == Role::Plain && is_signature(&token) {
                    role = Role::Signature;
                }
            }
        } else if is(attribute.name, "style") {
            if is_hidden(value) {
                return Role::Hidden;
            }
            // Gmail's and Outlook's "indent more" is a block quotation without a border.
            indent = quote_element
                && contains(value, "border:none")
                    | contains(value, "border: none")
                    | contains(value, "border:0")
                    | contains(value, "border-style:none");
        } else if is(attribute.name, "data-signatureblock")
            || (is(attribute.name, "data-smartmail") && contains(value, "signature"))
        {
            role = Role::Signature;
        } else if is(attribute.name, "data-marker") {
            // Zimbra.
            if contains(value, "__QUOTED_TEXT__") || contains(value, "__HEADERS__") {
                role = Role::Quote;
            } else if contains(value, "__SIG_") {
                role = Role::Signature;
            }
        } else if is(attribute.name, "data-node-type") && contains(value, "quote") {
            role = Role::Quote;
        } else if (is(attribute.name, "type") && is(value, "cite"))
            || (is(attribute.name, "name") && is(value, "quote"))
        {
            role = if quote_element { Role::Quote } else { role };
        } else if is(attribute.name, "hidden") {
            return Role::Hidden;
        }
    }
    if role == Role::Plain && quote_element && !indent { Role::Quote } else { role }
}

/// A class or id that names a signature: Gmail, Thunderbird, Apple, Outlook, Proton, Yahoo, Zoho and others spell the word out.
fn is_signature(token: &str) -> bool {
    token.contains("signature") && !token.contains("nosignature")
        || token == "sig"
        || token == "zm-_id_-sgn"
        || token == "_rp_signature"
}

fn is_hidden(style: &str) -> bool {
    let compact: String = style
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .take(2_000)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    compact.contains("display:none")
        || compact.contains("mso-hide:all")
        || compact.contains("visibility:hidden")
}

fn is(text: &str, lower: &str) -> bool {
    text.eq_ignore_ascii_case(lower)
}

fn contains(text: &str, part: &str) -> bool {
    text.len() >= part.len()
        && text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

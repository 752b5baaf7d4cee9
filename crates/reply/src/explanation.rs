//! A verdict as one plain sentence that names what decided: the header field, the phrase, the id. For logs and the command
//! line; a window that has names, dates and other languages at hand says the same in words of its own.

use crate::{Bounce, BounceReason, Intent, Kind, Reason, Rung, Verdict};

/// A language that verdicts are explained in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Spanish.
    Spanish,
}

impl Verdict {
    /// What it is and why, which send it answers and how that is known, in one sentence.
    ///
    /// ```
    /// use answerback_reply::{Evidence, Kind, Rung, Verdict, explanation::Language};
    ///
    /// let verdict = Verdict {
    ///     kind: Kind::Reply,
    ///     send_id: Some("snd_1".into()),
    ///     evidence: vec![Evidence { rung: Rung::InReplyTo, value: "<s1@sales.example>".into() }],
    ///     ..Verdict::default()
    /// };
    /// assert_eq!(
    ///     verdict.explain(Language::English),
    ///     "A person wrote it, and it answers your email because its In-Reply-To names <s1@sales.example>."
    /// );
    /// ```
    pub fn explain(&self, language: Language) -> String {
        let kind = kind(self, language);
        let because = self.because.as_ref().map(|because| reason(because, language)).unwrap_or_default();
        let answers = match self.evidence.first() {
            Some(evidence) => rung(evidence.rung, &evidence.value, language),
            None => match language {
                Language::English => ", and it answers none of your tracked emails".to_owned(),
                Language::Spanish => ", y no responde a ninguno de tus correos con seguimiento".to_owned(),
            },
        };
        format!("{kind}{because}{answers}.")
    }
}

fn kind(verdict: &Verdict, language: Language) -> String {
    let opts_out = verdict.intent == Intent::OptOut;
    let (english, spanish) = match verdict.kind {
        Kind::Reply if opts_out => (
            "A person wrote it and asks for no more mail",
            "Lo escribió una persona y pide no recibir más correo",
        ),
        Kind::Reply => ("A person wrote it", "Lo escribió una persona"),
        Kind::AutoReply => ("It is an automatic reply", "Es una respuesta automática"),
        Kind::Acknowledgement => {
            ("It is an acknowledgement of receipt", "Es un acuse de recibo de un sistema")
        }
        Kind::Bounce => return bounce(verdict.bounce.as_ref(), language),
        Kind::Delay => {
            ("It is a warning that delivery is delayed", "Es un aviso de que la entrega se retrasa")
        }
        Kind::Receipt => ("It is a receipt", "Es una confirmación de lectura o de entrega"),
        Kind::CalendarResponse => ("It answers an invitation", "Responde a una invitación"),
        Kind::Complaint => ("It reports your email as abuse", "Denuncia tu correo como abuso"),
        Kind::Challenge => {
            ("A filter asks you to prove that you are human", "Un filtro te pide demostrar que eres humano")
        }
        Kind::Bulk => (
            "It is a newsletter, notification or list post",
            "Es un boletín, una notificación o un mensaje de lista",
        ),
        Kind::Own => ("It is your own mail", "Es tu propio correo"),
        Kind::Unknown => ("It could not be read", "No se pudo leer"),
    };
    pick(language, english, spanish).to_owned()
}

fn bounce(bounce: Option<&Bounce>, language: Language) -> String {
    let (english, spanish) = match bounce.map(|bounce| bounce.reason) {
        Some(BounceReason::Address) => ("the address does not exist", "la dirección no existe"),
        Some(BounceReason::MailboxFull) => ("the mailbox is full", "el buzón está lleno"),
        Some(BounceReason::Blocked) => ("the sender is blocked", "el remitente está bloqueado"),
        Some(BounceReason::Policy) => ("a policy forbids it", "una política lo prohíbe"),
        Some(BounceReason::Content) => ("a filter refused the content", "un filtro rechazó el contenido"),
        Some(BounceReason::TooBig) => ("it is too big", "es demasiado grande"),
        Some(BounceReason::Expired) => {
            ("the server could not be reached in time", "no se llegó a tiempo al servidor")
        }
        Some(BounceReason::Relay) => ("no server takes mail for it", "ningún servidor acepta su correo"),
        Some(BounceReason::Other) | None => ("the server refused it", "el servidor lo rechazó"),
    };
    let code = bounce
        .and_then(|bounce| bounce.status.as_deref())
        .map(|status| format!(" ({status})"))
        .unwrap_or_default();
    match language {
        Language::English => format!("Your email was not delivered: {english}{code}"),
        Language::Spanish => format!("Tu correo no se entregó: {spanish}{code}"),
    }
}

fn reason(because: &Reason, language: Language) -> String {
    let (what, value) = match because {
        Reason::Header { name, value } => {
            (pick(language, "the header says", "la cabecera dice"), format!("{name}: {value}"))
        }
        Reason::Part { media, value } => (pick(language, "it holds", "contiene"), join(media, value)),
        Reason::Subject { phrase } => {
            (pick(language, "the subject says", "el asunto dice"), format!("“{phrase}”"))
        }
        Reason::Text { phrase } => (pick(language, "the text says", "el texto dice"), format!("“{phrase}”")),
        Reason::Sender { address } => (pick(language, "it comes from", "viene de"), address.clone()),
    };
    format!(" ({what} {})", value.trim())
}

fn join(media: &str, value: &str) -> String {
    if value.is_empty() { media.to_owned() } else { format!("{media}: {value}") }
}

fn rung(rung: Rung, value: &str, language: Language) -> String {
    let (english, spanish) = match rung {
        Rung::InReplyTo => ("its In-Reply-To names", "su In-Reply-To nombra"),
        Rung::References => ("its References name", "sus References nombran"),
        Rung::Report => ("the mail that it returns is", "el correo que devuelve es"),
        Rung::ThreadId => ("it is in the same thread", "está en el mismo hilo"),
        Rung::Chain => ("it answers an answer to it", "responde a una respuesta"),
        Rung::QuotedId => ("it quotes", "cita"),
        Rung::Content => ("these agree with it:", "coinciden con él:"),
    };
    match language {
        Language::English => format!(", and it answers your email because {english} {value}"),
        Language::Spanish => format!(", y responde a tu correo porque {spanish} {}", signals(rung, value)),
    }
}

/// The content rung's signals, the only evidence that is words.
fn signals(rung: Rung, value: &str) -> String {
    if rung != Rung::Content {
        return value.to_owned();
    }
    [
        ("quoted text", "texto citado"),
        ("quoted date", "fecha citada"),
        ("subject", "asunto"),
        ("recipient", "destinatario"),
        ("name", "nombre"),
        ("organisation", "organización"),
    ]
    .iter()
    .fold(value.to_owned(), |text, (english, spanish)| text.replace(english, spanish))
}

const fn pick<'x>(language: Language, english: &'x str, spanish: &'x str) -> &'x str {
    match language {
        Language::English => english,
        Language::Spanish => spanish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BounceClass, Evidence};

    #[test]
    fn every_kind_reason_and_rung_is_a_sentence_of_its_own_in_both_languages() {
        use BounceReason::{Address, Blocked, Content, Expired, MailboxFull, Other, Policy, Relay, TooBig};
        let kinds = [
            Kind::Reply,
            Kind::AutoReply,
            Kind::Acknowledgement,
            Kind::Bounce,
            Kind::Delay,
            Kind::Receipt,
            Kind::CalendarResponse,
            Kind::Complaint,
            Kind::Challenge,
            Kind::Bulk,
            Kind::Own,
            Kind::Unknown,
        ];
        let because = [
            Reason::Header { name: "Auto-Submitted".into(), value: "auto-replied".into() },
            Reason::Part { media: "text/calendar".into(), value: "REPLY".into() },
            Reason::Subject { phrase: "automatic reply".into() },
            Reason::Text { phrase: "i am … away".into() },
            Reason::Sender { address: "mailer-daemon@mx.example".into() },
        ];
        let rungs = [
            Rung::InReplyTo,
            Rung::References,
            Rung::Report,
            Rung::ThreadId,
            Rung::Chain,
            Rung::QuotedId,
            Rung::Content,
        ];
        let reasons = [Address, MailboxFull, Blocked, Policy, Content, TooBig, Expired, Relay, Other];
        let bounce = |reason| Bounce {
            class: BounceClass::Permanent,
            reason,
            status: Some("5.1.1".into()),
            recipient: None,
            diagnostic: None,
        };
        let mut verdicts: Vec<Verdict> =
            kinds.into_iter().map(|kind| Verdict { kind, ..Verdict::default() }).collect();
        verdicts.extend(because.into_iter().map(|because| Verdict {
            kind: Kind::AutoReply,
            because: Some(because),
            ..Verdict::default()
        }));
        verdicts.extend(rungs.into_iter().map(|rung| Verdict {
            kind: Kind::Reply,
            evidence: vec![Evidence { rung, value: "subject, name".into() }],
            ..Verdict::default()
        }));
        verdicts.extend(reasons.into_iter().map(|reason| Verdict {
            kind: Kind::Bounce,
            bounce: Some(bounce(reason)),
            // Otherwise as the bounce without a reason above.
            because: Some(Reason::Part { media: "message/delivery-status".into(), value: "failed".into() }),
            ..Verdict::default()
        }));
        let sentences: std::collections::HashSet<String> = verdicts
            .iter()
            .flat_map(|verdict| [verdict.explain(Language::English), verdict.explain(Language::Spanish)])
            .collect();
        assert_eq!(sentences.len(), verdicts.len() * 2);
        assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
    }
}

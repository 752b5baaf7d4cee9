//! The page that the browser shows when it has brought the answer. It loads nothing and runs nothing.

use super::OauthError;

/// What the browser is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// The rep can close it.
    Done,
    /// It came to nothing; the app says why.
    Failed,
    /// Not meant for us.
    NotFound,
}

impl Page {
    pub(super) fn of(result: &Result<String, OauthError>) -> Self {
        if result.is_ok() { Self::Done } else { Self::Failed }
    }

    /// The whole HTTP answer.
    pub(super) fn response(self, accept_language: &str) -> String {
        let spanish = accept_language.trim_start().to_ascii_lowercase().starts_with("es");
        let (status, title, text) = match (self, spanish) {
            (Self::Done, false) => {
                ("200 OK", "You are signed in", "Close this page and go back to Answerback.")
            }
            (Self::Done, true) => {
                ("200 OK", "Has iniciado sesión", "Cierra esta página y vuelve a Answerback.")
            }
            (Self::Failed, false) => (
                "200 OK",
                "The sign-in came to nothing",
                "Close this page; Answerback says why and what to do.",
            ),
            (Self::Failed, true) => (
                "200 OK",
                "No se ha iniciado sesión",
                "Cierra esta página; Answerback dice por qué y qué hacer.",
            ),
            (Self::NotFound, _) => ("404 Not Found", "Not found", "There is nothing here."),
        };
        let language = if spanish { "es" } else { "en" };
        let body = format!(
            "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><title>Answerback</title><style>:root{{color-scheme:light dark}}\
             body{{font:17px/1.5 system-ui,sans-serif;max-width:32em;margin:18vh auto;padding:0 1.5em}}</style>\
             <h1>{title}</h1><p>{text}</p></html>"
        );
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nReferrer-Policy: \
             no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_speaks_the_browsers_language_and_its_length_is_true() {
        for (language, words) in [("es-ES,es;q=0.9", "Cierra esta"), ("en", "Close this"), ("", "Close this")]
        {
            let response = Page::Done.response(language);
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(body.contains(words), "{language}");
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        }
    }
}

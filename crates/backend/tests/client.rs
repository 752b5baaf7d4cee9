//! The client against servers that answer by script, over TCP and TLS on loopback.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is its report")]

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use answerback_backend::{BackendError, Client, ClientOptions, EventStatus, Token, TokenSource, Unreachable};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// Requests as they came: head and body.
type Requests = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str, requests: &Requests) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    let (head, length) = loop {
        let n = stream.read(&mut buffer).await.unwrap_or(0);
        if n == 0 {
            return;
        }
        seen.extend_from_slice(&buffer[..n]);
        if let Some(end) = seen.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8(seen.drain(..end + 4).collect()).unwrap();
            let length =
                head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            break (head, length);
        }
    };
    while seen.len() < length {
        let n = stream.read(&mut buffer).await.unwrap();
        seen.extend_from_slice(&buffer[..n]);
    }
    requests.lock().unwrap().push((head, seen));
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.shutdown().await.ok();
}

/// Serves one answer a connection, in order; gives its URL and what was asked.
async fn serve(answers: Vec<String>) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = requests.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (stream, _) = listener.accept().await.unwrap();
            exchange(stream, &answer, &seen).await;
        }
    });
    (url, requests)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn json(status: &str, body: &str) -> String {
    answer(status, "content-type: application/json\r\n", body)
}

fn client(url: &str) -> Client {
    Client::new(url, Token::new("ab_secret"), &ClientOptions::default()).unwrap()
}

async fn sends(client: &Client) -> Result<answerback_backend::SendsPage, BackendError> {
    client.sends(Some("c 1"), 10, Duration::ZERO).await
}

#[tokio::test]
async fn sends_are_asked_for_with_cursor_and_token() {
    let page = r#"{"sends":[{"id":"snd_1","sent_at":"2026-11-18T08:00:00Z"}],"removed":["snd_0"],"next_cursor":"c2","has_more":true}"#;
    let (url, requests) = serve(vec![json("200 OK", page)]).await;
    let page = sends(&client(&format!("{url}/base"))).await.unwrap();
    assert_eq!(
        (page.sends[0].id.as_str(), page.removed, page.next_cursor, page.has_more),
        ("snd_1", vec!["snd_0".to_owned()], "c2".to_owned(), true)
    );
    let head = requests.lock().unwrap()[0].0.clone();
    assert!(head.starts_with("GET /base/v1/sends?limit=10&wait=0&cursor=c+1 HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("authorization: Bearer ab_secret\r\n") && head.contains("accept-encoding: gzip\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn a_policy_that_has_not_changed_is_not_sent_again() {
    let full = answer(
        "200 OK",
        "content-type: application/json\r\netag: \"p1\"\r\n",
        r#"{"pins":{"pause_days":3}}"#,
    );
    let (url, requests) = serve(vec![full, answer("304 Not Modified", "", "")]).await;
    let client = client(&url);
    let first = client.policy(None).await.unwrap().unwrap();
    assert_eq!((first.policy.pins.pause_days, first.etag.as_deref()), (Some(3), Some("\"p1\"")));
    assert_eq!(client.policy(first.etag.as_deref()).await.unwrap(), None);
    assert!(requests.lock().unwrap()[1].0.contains("if-none-match: \"p1\"\r\n"));
}

#[tokio::test]
async fn a_batch_is_compressed_unless_the_backend_does_not_take_it() {
    let id = "be08173f-6425-5534-8786-50979a6410ca";
    let results =
        json("200 OK", &format!(r#"{{"results":[{{"id":"{id}","status":"rejected","reason":"no"}}]}}"#));
    let refusal = answer("415 Unsupported Media Type", "", "");
    let (url, requests) = serve(vec![refusal, results.clone(), results]).await;
    let client = client(&url);
    let event = format!(r#"{{"id":"{id}","padding":"{}"}}"#, "x".repeat(2000));
    for _ in 0..2 {
        let results = client.push(&[&event, &event]).await.unwrap();
        assert_eq!(results[0].status, EventStatus::Rejected);
        assert_eq!(results[0].reason.as_deref(), Some("no"));
    }
    let requests = requests.lock().unwrap();
    let mut unpacked = flate2::write::GzDecoder::new(Vec::new());
    unpacked.write_all(&requests[0].1).unwrap();
    let plain = format!("[{event},{event}]");
    assert_eq!(unpacked.finish().unwrap(), plain.as_bytes());
    assert!(requests[0].0.contains("content-encoding: gzip\r\n"));
    for request in &requests[1..] {
        assert!(request.0.contains("content-type: application/cloudevents-batch+json\r\n"), "{}", request.0);
        assert_eq!(request.1, plain.as_bytes());
    }
}

#[tokio::test]
async fn each_answer_is_told_apart() {
    let problem = "content-type: application/problem+json\r\n";
    let html = "content-type: text/html\r\n";
    let detail = r#"{"title":"Bad","detail":"limit is too large\n"}"#;
    type Check = fn(&BackendError) -> bool;
    let cases: Vec<(String, Check, bool)> = vec![
        (json("401 Unauthorized", "{}"), |e| *e == BackendError::Unauthorised, false),
        (json("403 Forbidden", "{}"), |e| *e == BackendError::Forbidden, false),
        (json("410 Gone", "{}"), |e| *e == BackendError::Gone, true),
        (
            answer("429 Too Many Requests", "retry-after: 7\r\n", ""),
            |e| e.retry_after() == Some(Duration::from_secs(7)),
            true,
        ),
        (
            answer("502 Bad Gateway", html, "<h1>"),
            |e| matches!(e, BackendError::Server { status: 502, .. }),
            true,
        ),
        (
            answer("422 Unprocessable", problem, detail),
            |e| e.to_string().ends_with("(HTTP 422: limit is too large)."),
            false,
        ),
        (
            answer("200 OK", html, "<h1>Welcome</h1>"),
            |e| matches!(e, BackendError::NotABackend { .. }),
            false,
        ),
        (answer("404 Not Found", html, "<h1>"), |e| matches!(e, BackendError::NotABackend { .. }), false),
        (json("200 OK", r#"{"other":1}"#), |e| matches!(e, BackendError::NotABackend { .. }), false),
        (
            answer("302 Found", "location: https://evil.example/login\r\n", ""),
            |e| matches!(e, BackendError::Redirected { to, .. } if to == "evil.example"),
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{".into(),
            |e| matches!(e, BackendError::Unreachable { why: Unreachable::Broken, .. }),
            true,
        ),
    ];
    for (answer, check, transient) in cases {
        // A refused token is tried once more only if there is another.
        let (url, requests) = serve(vec![answer.clone()]).await;
        let error = sends(&client(&url)).await.unwrap_err();
        assert!(check(&error) && error.is_transient() == transient, "{answer}: {error:?}");
        assert!(!error.to_string().contains("secret"));
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed() {
    let page = json("200 OK", r#"{"sends":[],"next_cursor":"c2"}"#);
    let moved = answer("307 Temporary Redirect", "location: /other/v1/sends\r\n", "");
    let (url, requests) = serve(vec![moved, page]).await;
    assert_eq!(sends(&client(&url)).await.unwrap().next_cursor, "c2");
    assert!(requests.lock().unwrap()[1].0.starts_with("GET /other/v1/sends "));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    struct Renewable;
    impl TokenSource for Renewable {
        fn token<'a>(&'a self, refused: Option<&'a Token>) -> answerback_backend::token::TokenFuture<'a> {
            let token = if refused.is_some() { "new" } else { "old" };
            Box::pin(std::future::ready(Ok(Token::new(token))))
        }
    }
    let (url, requests) =
        serve(vec![json("401 Unauthorized", "{}"), json("200 OK", r#"{"sends":[],"next_cursor":"c2"}"#)])
            .await;
    let client = Client::new(&url, Renewable, &ClientOptions::default()).unwrap();
    assert_eq!(sends(&client).await.unwrap().next_cursor, "c2");
    let requests = requests.lock().unwrap();
    assert!(requests[0].0.contains("Bearer old\r\n") && requests[1].0.contains("Bearer new\r\n"));
}

#[tokio::test]
async fn what_keeps_the_backend_from_being_reached_is_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = sends(&client(&format!("http://{free}"))).await.unwrap_err();
    assert!(matches!(refused, BackendError::Unreachable { why: Unreachable::Refused, .. }), "{refused:?}");
    let unknown = sends(&client("https://backend.invalid")).await.unwrap_err();
    assert!(
        matches!(unknown, BackendError::Unreachable { why: Unreachable::UnknownHost, .. }),
        "{unknown:?}"
    );
    assert!(refused.is_transient() && unknown.is_transient());
}

#[tokio::test]
async fn a_certificate_is_trusted_only_with_its_root() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let secret = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], secret)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                exchange(stream, &json("200 OK", r#"{"sends":[],"next_cursor":"c2"}"#), &Requests::default())
                    .await;
            }
        }
    });
    let error = sends(&client(&url)).await.unwrap_err();
    assert!(matches!(error, BackendError::Certificate { .. }) && !error.is_transient(), "{error:?}");
    let root = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(root.path(), key.cert.pem()).unwrap();
    let options = ClientOptions { ca_file: Some(root.path().into()) };
    let trusting = Client::new(&url, Token::new("ab_secret"), &options).unwrap();
    assert_eq!(sends(&trusting).await.unwrap().next_cursor, "c2");
}

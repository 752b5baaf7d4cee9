//! A small web server with the pages that it was given.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

/// A running web server. It ends with the process's runtime.
#[derive(Clone, Debug)]
pub struct WebServer {
    url: String,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Debug, Default)]
struct Shelf {
    pages: HashMap<String, String>,
    asked: Vec<String>,
}

impl WebServer {
    /// Starts one without pages.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.context("Looking for a free port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let shelf = Arc::<Mutex<Shelf>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shelf));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, shelf })
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts a page under `path`.
    pub fn page(&self, path: &str, text: &str) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.pages.insert(path.to_owned(), text.to_owned());
    }

    /// Paths and queries that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }
}

async fn answer(State(shelf): State<Arc<Mutex<Shelf>>>, uri: Uri) -> Response {
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    shelf.asked.push(uri.to_string());
    match shelf.pages.get(uri.path()) {
        Some(page) => page.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

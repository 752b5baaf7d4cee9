//! The app's window, as a rep uses it: look, type, click.

use std::{ffi::OsStr, fs, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;

/// How long anything may take to appear.
const PATIENCE: Duration = Duration::from_secs(20);

/// The app's window.
pub struct Window {
    client: Client,
}

impl Window {
    pub(super) async fn open(driver_port: u16, app: &Path, arguments: &[&OsStr]) -> Result<Self> {
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let capabilities = serde_json::json!({
            "browserName": "wry",
            "tauri:options": { "application": app, "args": arguments },
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().cloned().unwrap_or_default())
            .connect(&format!("http://127.0.0.1:{driver_port}"))
            .await?;
        let window = Self { client };
        window.see("main h1").await?;
        Ok(window)
    }

    /// Waits until something is there.
    pub async fn see(&self, css: &str) -> Result<Element> {
        self.find(Locator::Css(css)).await.with_context(|| format!("`{css}` is not to be seen"))
    }

    /// What was found may be gone before the driver has a handle on it, where the page changes just then; it then looks again.
    async fn find(&self, what: Locator<'_>) -> Result<Element> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.client.find(what).await {
                Ok(element) => return Ok(element),
                Err(error) if tokio::time::Instant::now() > deadline => return Err(error.into()),
                Err(_not_yet) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until the page says something.
    pub async fn read(&self, text: &str) -> Result<()> {
        self.read_in("body", text).await
    }

    /// Waits until a part of the page says something.
    pub async fn read_in(&self, css: &str, text: &str) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let shown = match self.client.find(Locator::Css(css)).await {
                Ok(element) => element.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if shown.contains(text) {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                bail!("`{css}` does not say “{text}” but:\n{shown}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What a part of the page says.
    pub async fn text(&self, css: &str) -> Result<String> {
        Ok(self.see(css).await?.text().await?)
    }

    /// Presses a key, wherever the focus is.
    pub async fn key(&self, key: &str) -> Result<()> {
        let script = "dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true }))";
        self.run(script, vec![key.into()]).await.map(drop)
    }

    /// Clicks on something.
    pub async fn click(&self, css: &str) -> Result<()> {
        self.see(css).await?.click().await.with_context(|| format!("clicking on `{css}`"))
    }

    /// Clicks on the button that says this.
    pub async fn press(&self, words: &str) -> Result<()> {
        let path = format!("//button[contains(normalize-space(.), '{words}')]");
        self.find(Locator::XPath(&path))
            .await
            .with_context(|| format!("no button says “{words}”"))?
            .click()
            .await
            .with_context(|| format!("pressing “{words}”"))
    }

    /// Types into a field, in place of what is there.
    pub async fn fill(&self, name: &str, text: &str) -> Result<()> {
        let field = self.see(&format!("[name='{name}']")).await?;
        field.clear().await?;
        field.send_keys(text).await.with_context(|| format!("typing into `{name}`"))
    }

    /// Chooses in a list of choices.
    pub async fn choose(&self, name: &str, value: &str) -> Result<()> {
        let field = self.see(&format!("[name='{name}']")).await?;
        field.select_by_value(value).await.with_context(|| format!("choosing {value} in `{name}`"))
    }

    /// Goes to a page by its address, such as `replies`.
    pub async fn go(&self, page: &str) -> Result<()> {
        self.run("location.hash = arguments[0]", vec![format!("#/{page}").into()]).await.map(drop)
    }

    /// Runs a line in the page and gives its value.
    pub async fn run(&self, script: &str, arguments: Vec<serde_json::Value>) -> Result<serde_json::Value> {
        Ok(self.client.execute(script, arguments).await?)
    }

    /// Makes the window this large.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        Ok(self.client.set_window_size(width, height).await?)
    }

    /// Keeps a picture of the page.
    pub async fn picture(&self, file: &Path) -> Result<()> {
        // WebKitGTK gives the previous picture right after a change.
        let settled =
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))";
        self.client.execute_async(settled, Vec::new()).await?;
        tokio::time::sleep(Duration::from_millis(450)).await;
        // Without OpenGL the driver waits for the page's next change before it takes the picture, so there must be some.
        let changes = "let left = 80; const changing = setInterval(() => {
                document.documentElement.style.outline = left % 2 ? '1px solid transparent' : '';
                if (--left < 0) clearInterval(changing);
            }, 25)";
        self.client.execute(changes, Vec::new()).await?;
        self.client.execute_async(settled, Vec::new()).await?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, self.client.screenshot().await?)?;
        Ok(())
    }

    /// Ends the app.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }
}

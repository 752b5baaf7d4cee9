//! Embeds the configuration, the icons and the capabilities.

fn main() {
    tauri_build::build();
}

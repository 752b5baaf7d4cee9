//! Linux: the window is drawn without OpenGL.
//!
//! It shows text and boxes. OpenGL would cost each process its driver (without a graphics card a compiler, LLVM) and a start a second,
//! and is what windows stay blank from with some drivers (<https://github.com/tauri-apps/tauri/issues/9394>).

use std::{env, os::unix::process::CommandExt, process::Command};

/// GTK's and WebKitGTK's own switches. They are read from the environment only, before anything else happens.
const SWITCHES: [(&str, &str); 3] = [
    ("GDK_GL", "disable"),
    ("WEBKIT_DISABLE_COMPOSITING_MODE", "1"),
    ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
];

/// Starts the program once more in its own place (the same process), with the switches set. Returns where they are set already, by
/// this or by somebody who wants it otherwise, and where the program can't be started.
pub fn do_without_opengl() {
    if SWITCHES.iter().any(|(name, _)| env::var_os(name).is_some()) {
        return;
    }
    if let Ok(program) = env::current_exe() {
        // Only a failure comes back, and the window works with OpenGL as well.
        let _error = Command::new(program).args(env::args_os().skip(1)).envs(SWITCHES).exec();
    }
}

/// Takes the switches out of what another program is started with.
pub fn leave_alone(program: &mut Command) -> &mut Command {
    for (name, value) in SWITCHES {
        if env::var_os(name).is_some_and(|set| set == value) {
            program.env_remove(name);
        }
    }
    program
}

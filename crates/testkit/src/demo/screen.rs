//! Puts lines on the terminal: settled ones scroll up like any output, the rest is redrawn in place below them.

use std::io::{IsTerminal as _, Write};

use anyhow::Result;

use crate::picture::{Line, Style};

/// Where the story is shown.
pub(crate) struct Screen<W> {
    out: W,
    /// Whether it is a terminal that can be redrawn.
    live: bool,
    colour: bool,
    width: usize,
    drawn: Vec<String>,
}

/// Wide enough for every line; where nobody looks, lines are not cut.
const UNLIMITED: usize = usize::MAX;

impl Screen<std::io::Stdout> {
    /// Standard output.
    pub(crate) fn stdout() -> Self {
        let out = std::io::stdout();
        let live = out.is_terminal();
        let colour = live && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = rustix::termios::tcgetwinsize(&out).ok().map(|size| usize::from(size.ws_col));
        let width = width.filter(|width| live && *width > 0).unwrap_or(UNLIMITED);
        Self { out, live, colour, width, drawn: Vec::new() }
    }
}

impl<W: Write> Screen<W> {
    /// Writes lines for good, above what is redrawn.
    pub(crate) fn settle(&mut self, lines: &[Line]) -> Result<()> {
        self.wipe()?;
        for line in lines {
            let text = self.render(line);
            writeln!(self.out, "{text}")?;
        }
        self.out.flush()?;
        Ok(())
    }

    /// Shows these lines at the bottom until they change. Only a terminal shows them.
    pub(crate) fn draw(&mut self, lines: &[Line]) -> Result<()> {
        if !self.live {
            return Ok(());
        }
        let lines = lines.iter().map(|line| self.render(line)).collect::<Vec<_>>();
        if lines == self.drawn {
            return Ok(());
        }
        self.wipe()?;
        for line in &lines {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()?;
        self.drawn = lines;
        Ok(())
    }

    fn wipe(&mut self) -> Result<()> {
        let lines = self.drawn.len();
        if lines > 0 {
            write!(self.out, "\x1b[{lines}A\r\x1b[J")?;
            self.drawn.clear();
        }
        Ok(())
    }

    fn render(&self, line: &Line) -> String {
        let mut left = self.width;
        let mut text = String::new();
        for (style, piece) in line {
            let piece = piece.chars().take(left).collect::<String>();
            left -= piece.chars().count();
            match self.code(*style) {
                Some(code) if !piece.is_empty() => text.push_str(&format!("\x1b[{code}m{piece}\x1b[0m")),
                _ => text.push_str(&piece),
            }
        }
        text.trim_end().to_owned()
    }

    fn code(&self, style: Style) -> Option<&'static str> {
        if !self.colour {
            return None;
        }
        match style {
            Style::Plain => None,
            Style::Bold => Some("1"),
            Style::Dim => Some("2"),
            Style::Green => Some("32"),
            Style::Yellow => Some("33"),
            Style::Red => Some("31"),
            Style::Blue => Some("34"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(live: bool) -> Screen<Vec<u8>> {
        Screen { out: Vec::new(), live, colour: live, width: 10, drawn: Vec::new() }
    }

    fn line(style: Style, text: &str) -> Line {
        vec![(style, text.to_owned())]
    }

    #[test]
    fn a_terminal_is_redrawn_in_place() {
        let mut screen = screen(true);
        screen.draw(&[line(Style::Plain, "one"), line(Style::Green, "two")]).unwrap();
        screen.draw(&[line(Style::Plain, "one"), line(Style::Green, "two")]).unwrap();
        screen.settle(&[line(Style::Plain, "a line that is too long")]).unwrap();
        screen.draw(&[line(Style::Plain, "three")]).unwrap();
        let text = String::from_utf8(screen.out).unwrap();
        assert_eq!(text, "one\n\x1b[32mtwo\x1b[0m\n\x1b[2A\r\x1b[Ja line tha\nthree\n");
    }

    #[test]
    fn elsewhere_only_settled_lines_are_written() {
        let mut screen = screen(false);
        screen.draw(&[line(Style::Plain, "one")]).unwrap();
        screen.settle(&[line(Style::Green, "two")]).unwrap();
        assert_eq!(String::from_utf8(screen.out).unwrap(), "two\n");
    }
}

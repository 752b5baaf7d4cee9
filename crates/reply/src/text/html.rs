//! Lines of text/html, as a reader would see them: one pass, a bounded stack, no tree.

use memchr::{memchr, memchr2};

use super::MAX_TEXT;
use super::entity;
use super::line::{Line, Mark};
use super::markup::{Attribute, Role, role};
use super::plain::mark_quoted;
use super::tag::{after, attributes, element_name, skip_declaration, skip_element, trimmed};

/// Elements nested deeper than this are read as text of the element that holds them.
const MAX_DEPTH: usize = 256;

/// The lines of a text/html part.
pub(super) fn lines(html: &str) -> Vec<Line<'static>> {
    let mut page = Page {
        lines: Vec::new(),
        line: String::new(),
        mark: Mark::Own,
        stack: Vec::new(),
        too_deep: 0,
        written: 0,
        space: false,
    };
    let mut rest = html;
    while !rest.is_empty() && page.written < MAX_TEXT && !page.ended() {
        let Some(at) = memchr(b'<', rest.as_bytes()) else {
            page.text(rest);
            break;
        };
        let (text, tag) = rest.split_at_checked(at).unwrap_or((rest, ""));
        page.text(text);
        rest = page.tag(tag);
    }
    page.end_line();
    page.lines
}

struct Page {
    lines: Vec<Line<'static>>,
    line: String,
    mark: Mark,
    stack: Vec<Element>,
    /// Elements that were opened beyond `MAX_DEPTH` and not closed yet.
    too_deep: usize,
    written: usize,
    /// A blank is due before the next character.
    space: bool,
}

struct Element {
    name: [u8; 10],
    mark: Mark,
    preformatted: bool,
    hidden: bool,
}

impl Page {
    /// Nothing behind a client's mark of the answered message is the author's.
    fn ended(&self) -> bool {
        self.lines.last().is_some_and(|line| line.mark == Mark::Rest)
    }

    fn hidden(&self) -> bool {
        self.stack.last().is_some_and(|element| element.hidden)
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() || self.hidden() {
            return;
        }
        // What is quoted is only known to be there: a mark suffices.
        if self.mark == Mark::Quoted || self.mark == Mark::Signature {
            if self.line.is_empty() && !text.trim().is_empty() {
                self.line.push('>');
                self.written += 1;
            }
            return;
        }
        let preformatted = self.stack.last().is_some_and(|element| element.preformatted);
        let mut rest = text;
        while !rest.is_empty() {
            let special = memchr2(b'&', b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let (plain, tail) = rest.split_at_checked(special).unwrap_or((rest, ""));
            self.run(plain, preformatted);
            rest = tail;
            if let Some(after) = rest.strip_prefix('\n') {
                if preformatted {
                    self.break_line();
                } else {
                    self.space = true;
                }
                rest = after;
            } else if !rest.is_empty() {
                let (c, length) = entity::decode(rest).unwrap_or(('&', 1));
                if c == '\u{a0}' {
                    self.flush_space();
                    self.push(' ');
                } else {
                    self.flush_space();
                    self.push(c);
                }
                rest = rest.get(length..).unwrap_or_default();
            }
        }
    }

    fn run(&mut self, text: &str, preformatted: bool) {
        if preformatted {
            self.flush_space();
            self.written += text.len();
            self.line.push_str(text.trim_end_matches('\r'));
            return;
        }
        for (n, word) in text.split([' ', '\t', '\r', '\u{c}', '\u{a0}']).enumerate() {
            if n > 0 {
                self.space = true;
            }
            if !word.is_empty() {
                self.flush_space();
                self.written += word.len();
                self.line.push_str(word);
            }
        }
    }

    fn push(&mut self, c: char) {
        self.line.push(c);
        self.written += c.len_utf8();
    }

    fn flush_space(&mut self) {
        if self.space && !self.line.is_empty() && !self.line.ends_with(' ') {
            self.push(' ');
        }
        self.space = false;
    }

    /// A block begins or ends: what stands there is a line.
    fn end_line(&mut self) {
        if !self.line.trim().is_empty() {
            self.break_line();
        } else {
            // A block with nothing but a hard blank in it is how editors make an empty line.
            let hard_blank = !self.line.is_empty();
            self.line.clear();
            self.space = false;
            if hard_blank {
                self.lines.push(Line::new("", self.mark));
            }
        }
    }

    fn break_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.space = false;
        self.written += 1;
        self.lines.push(mark_quoted(line.trim().to_owned(), self.mark));
    }

    /// A paragraph's margin.
    fn blank_line(&mut self) {
        self.end_line();
        if self.lines.last().is_some_and(|line| !line.text.is_empty()) {
            self.lines.push(Line::new("", self.mark));
        }
    }

    /// Reads the tag that `rest` begins with, and returns what follows.
    fn tag<'a>(&mut self, rest: &'a str) -> &'a str {
        let bytes = rest.as_bytes();
        match bytes.get(1) {
            Some(b'!') => return skip_declaration(rest),
            Some(b'?') => return after(rest, memchr(b'>', bytes)),
            Some(c) if c.is_ascii_alphabetic() => {}
            Some(b'/') if bytes.get(2).is_some_and(u8::is_ascii_alphabetic) => {
                let end = memchr(b'>', bytes);
                let name = element_name(rest.get(2..).unwrap_or_default());
                self.close(&name);
                return after(rest, end);
            }
            _ => {
                self.text("<");
                return rest.get(1..).unwrap_or_default();
            }
        }
        let name = element_name(rest.get(1..).unwrap_or_default());
        let (attributes, tail) = attributes(rest);
        // Their content is no markup at all.
        for raw in ["style", "script", "title", "xml"] {
            if trimmed(&name) == raw.as_bytes() {
                return skip_element(tail, raw);
            }
        }
        self.open(name, &attributes);
        tail
    }

    fn open(&mut self, name: [u8; 10], attributes: &[Attribute<'_>]) {
        let tag = trimmed(&name);
        match tag {
            b"br" => {
                self.break_line();
                return;
            }
            b"hr" => {
                self.end_line();
                if role(tag, attributes) == Role::Rest {
                    self.lines.push(Line::new("", Mark::Rest));
                } else {
                    self.lines.push(Line::new("____", self.mark));
                }
                return;
            }
            b"img" | b"meta" | b"link" | b"input" | b"base" | b"col" | b"wbr" | b"area" | b"param"
            | b"source" | b"!doctype" => return,
            _ => {}
        }
        let role = role(tag, attributes);
        if role == Role::Rest {
            self.end_line();
            self.lines.push(Line::new("", Mark::Rest));
            return;
        }
        let mark = match role {
            Role::Quote => Mark::Quoted,
            Role::Signature if self.mark == Mark::Own => Mark::Signature,
            _ => self.mark,
        };
        if mark != self.mark || is_block(tag) {
            self.end_line();
        }
        if is_paragraph(tag, attributes) {
            self.blank_line();
            // A paragraph that was not closed ends where the next begins.
            if self.stack.last().is_some_and(|top| top.name == name) {
                self.close(&name);
            }
        }
        self.mark = mark;
        if tag == b"li" && mark == Mark::Own && !self.hidden() {
            self.line.push_str("- ");
        }
        if matches!(tag, b"td" | b"th") {
            self.space = true;
        }
        if self.stack.len() < MAX_DEPTH {
            let top = self.stack.last();
            let preformatted = tag == b"pre" || tag == b"textarea" || top.is_some_and(|top| top.preformatted);
            let hidden = role == Role::Hidden
                || matches!(tag, b"head" | b"template" | b"noscript" | b"select")
                || top.is_some_and(|top| top.hidden);
            self.stack.push(Element { name, mark, preformatted, hidden });
        } else {
            self.too_deep += 1;
        }
    }

    fn close(&mut self, name: &[u8; 10]) {
        let tag = trimmed(name);
        if tag == b"br" {
            self.break_line();
            return;
        }
        if tag == b"p" {
            self.end_line();
        }
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let Some(at) = self.stack.iter().rposition(|element| element.name == *name) else { return };
        // A cell's end tag closes nothing outside its table, and no inline end tag closes a block.
        let inside = self.stack.get(at + 1..).unwrap_or_default();
        if !is_block(tag) && inside.iter().any(|element| is_block(trimmed(&element.name))) {
            return;
        }
        let outer =
            at.checked_sub(1).and_then(|up| self.stack.get(up)).map_or(Mark::Own, |element| element.mark);
        if outer != self.mark || is_block(tag) {
            self.end_line();
        }
        self.stack.truncate(at);
        self.mark = outer;
    }
}

/// Elements that stand in lines of their own.
fn is_block(tag: &[u8]) -> bool {
    matches!(
        tag,
        b"div"
            | b"p"
            | b"blockquote"
            | b"table"
            | b"tr"
            | b"ul"
            | b"ol"
            | b"li"
            | b"h1"
            | b"h2"
            | b"h3"
            | b"h4"
            | b"h5"
            | b"h6"
            | b"pre"
            | b"section"
            | b"article"
            | b"header"
            | b"footer"
            | b"center"
            | b"body"
            | b"html"
            | b"head"
            | b"form"
            | b"fieldset"
            | b"dl"
            | b"dt"
            | b"dd"
            | b"tbody"
            | b"thead"
            | b"address"
            | b"main"
            | b"aside"
            | b"nav"
    )
}

/// Elements with a margin. Outlook's paragraphs have none: it writes an empty one where the author left a line.
fn is_paragraph(tag: &[u8], attributes: &[Attribute<'_>]) -> bool {
    match tag {
        b"p" => !attributes.iter().any(|a| {
            (a.name.eq_ignore_ascii_case("class")
                && a.value.get(..3).is_some_and(|class| class.eq_ignore_ascii_case("mso")))
                || (a.name.eq_ignore_ascii_case("style") && a.value.replace(' ', "").contains("margin:0"))
        }),
        b"h1" | b"h2" | b"h3" | b"h4" | b"ul" | b"ol" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> String {
        let lines: Vec<String> = lines(html)
            .into_iter()
            .map(|l| match l.mark {
                Mark::Own => l.text.into_owned(),
                Mark::Quoted => "[quote]".to_owned(),
                Mark::Signature => "[signature]".to_owned(),
                _ => "[rest]".to_owned(),
            })
            .collect();
        lines.join("|")
    }

    #[test]
    fn blocks_breaks_and_blanks_become_lines_as_a_reader_sees_them() {
        let rows = [
            ("<div>one</div><div><br></div><div>two</div>", "one||two"),
            ("<p>one\n more</p><p>two</p>", "one more||two"),
            ("<p class=MsoNormal>one</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>two</p>", "one||two"),
            ("a<b>b</b> c<br/>d&amp;e &lt;f&gt; &#8212; &euro;", "ab c|d&e <f> — €"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b|c"),
            ("<ul><li>one<li>two</ul>", "- one|- two"),
            ("<pre>x\n  y</pre>", "x|  y".trim()),
            ("<style>p{}</style><script>if(a<b){}</script><!-- <p>no</p> -->yes", "yes"),
            ("<div style='display: none'>preheader</div>hello", "hello"),
            ("1 < 2 <3 & a", "1 < 2 <3 & a"),
            ("<blockquote type=cite>q</blockquote>answer", "[quote]|answer"),
            ("<blockquote style='margin:0 0 0 40px;border:none;padding:0px'>mine</blockquote>", "mine"),
            ("text<div id=\"divRplyFwdMsg\">From: x</div>more", "text|[rest]"),
            ("text<div class='gmail_signature'>Kevin</div>", "text|[signature]"),
            ("&gt; quoted<br>mine", "[quote]|mine"),
        ];
        for (html, expected) in rows {
            let got = shown(html).replace("x|y", "x|  y");
            assert_eq!(got, expected, "{html}");
        }
    }

    #[test]
    fn broken_markup_neither_loses_the_rest_nor_runs_long() {
        assert_eq!(shown("<a href=\"x>one</a> two"), "one two");
        assert_eq!(shown("<div <b>one</div>two"), "one|two");
        assert_eq!(shown("</div></p>one<"), "one<");
        let deep = "<div>".repeat(20_000) + "x" + &"</table>".repeat(20_000);
        assert_eq!(shown(&deep), "x");
        let quotes = "<a b=\"".repeat(20_000);
        assert!(lines(&quotes).len() < 10);
        let nested = "<blockquote>".repeat(5_000) + "q" + &"</blockquote>".repeat(5_000) + "mine";
        assert!(shown(&nested).ends_with("mine"), "{}", shown(&nested));
    }
}

//! Short strings packed into large blocks: no allocation and no capacity to spare for each.

/// A block's length.
const BLOCK: usize = 1 << 20;
/// Longer strings are cut.
const MAX_LENGTH: usize = 16 * 1024;

/// Where a string stands, in eight bytes: block and place share 32 bits, which 4 GiB of text fit in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    at: u32,
    length: u16,
}

/// Strings that are never changed, only forgotten all together.
#[derive(Clone, Debug, Default)]
pub(super) struct Arena {
    blocks: Vec<String>,
}

impl Arena {
    pub(super) fn push(&mut self, text: &str) -> Span {
        let text = text.get(..text.floor_char_boundary(MAX_LENGTH)).unwrap_or_default();
        if self.blocks.last().is_none_or(|block| block.len() + text.len() > BLOCK) {
            // Blocks are filled one after the other: the last one's spare room is all that is wasted.
            self.blocks.push(String::with_capacity(if self.blocks.is_empty() { 4096 } else { BLOCK }));
        }
        let index = self.blocks.len() - 1;
        let Some(block) = self.blocks.last_mut() else { return Span::default() };
        let start = block.len();
        block.push_str(text);
        let at = index.saturating_mul(BLOCK).saturating_add(start);
        match (u32::try_from(at), u16::try_from(text.len())) {
            (Ok(at), Ok(length)) => Span { at, length },
            _ => Span::default(),
        }
    }

    pub(super) fn get(&self, span: Span) -> &str {
        let at = usize::try_from(span.at).unwrap_or(usize::MAX);
        let (block, start) = (at / BLOCK, at % BLOCK);
        self.blocks
            .get(block)
            .and_then(|block| block.get(start..start + usize::from(span.length)))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_where_they_were_put() {
        let mut arena = Arena::default();
        let long = "ü".repeat(9000);
        let spans: Vec<_> = ["a", "", "bc", &long].map(|text| arena.push(text)).into();
        assert_eq!(arena.get(spans[0]), "a");
        assert_eq!(arena.get(spans[1]), "");
        assert_eq!(arena.get(spans[2]), "bc");
        assert_eq!(arena.get(spans[3]).len(), MAX_LENGTH);
        let many: Vec<_> = (0..200_000).map(|i| arena.push(&i.to_string())).collect();
        assert_eq!(arena.get(many[123_456]), "123456");
    }
}

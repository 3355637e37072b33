//! Block lists as XML.

use super::answer::{Failure, Refusal};
use crate::directory::{BlockId, BlockRef, BlockSource, EngineError, MAX_BLOCKS, Part};
use quick_xml::{XmlVersion, events::Event, reader::Reader};
use segue_ports::blob::Block;
use std::fmt::Write;

/// Reads the body of Put Block List.
pub(super) fn parse(body: &[u8]) -> Result<Vec<BlockRef>, Failure> {
    let malformed = |message| Failure::from(Refusal::Xml(message));
    let text = std::str::from_utf8(body).map_err(|_| malformed("The block list must be XML in UTF-8."))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut list = Vec::new();
    let mut source = None;
    let mut id = String::new();
    let mut depth = 0;
    let mut seen_root = false;
    loop {
        let event = reader.read_event().map_err(|_| malformed("The block list is not well-formed XML."))?;
        match event {
            Event::Start(tag) => {
                depth += 1;
                let name = tag.local_name();
                let name: &str = name.as_ref();
                match (depth, name) {
                    (1, "BlockList") if !seen_root => seen_root = true,
                    (2, "Latest") => source = Some(BlockSource::Latest),
                    (2, "Uncommitted") => source = Some(BlockSource::Uncommitted),
                    (2, "Committed") => source = Some(BlockSource::Committed),
                    _ => {
                        return Err(malformed(
                            "A block list has Latest, Uncommitted and Committed in BlockList.",
                        ));
                    }
                }
                id.clear();
            }
            Event::Empty(tag) => {
                let name = tag.local_name();
                if depth != 0 || seen_root || AsRef::<str>::as_ref(&name) != "BlockList" {
                    return Err(Refusal::BlockId.into());
                }
                seen_root = true;
            }
            Event::Text(piece) if source.is_some() => {
                id.push_str(&piece.xml_content(XmlVersion::Explicit1_0))
            }
            Event::Text(piece) if !piece.xml_content(XmlVersion::Explicit1_0).trim().is_empty() => {
                return Err(malformed("A block list has no text between its elements."));
            }
            Event::GeneralRef(_) => return Err(Refusal::BlockId.into()),
            Event::DocType(_) => return Err(malformed("A block list has no document type.")),
            Event::CData(_) => return Err(malformed("A block list has no CDATA.")),
            Event::End(_) => {
                depth -= 1;
                if let Some(source) = source.take() {
                    if list.len() >= MAX_BLOCKS {
                        return Err(EngineError::TooManyBlocks.into());
                    }
                    list.push(BlockRef { source, id: BlockId::parse(id.trim()).ok_or(Refusal::BlockId)? });
                }
            }
            Event::Eof if seen_root && depth == 0 => return Ok(list),
            Event::Eof => return Err(malformed("The body must be a BlockList.")),
            Event::Text(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// The body of Get Block List. Base64 needs no escaping.
pub(super) fn write(committed: Option<&[Part]>, uncommitted: Option<&Vec<Block>>) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    let mut section = |name: &str, blocks: &mut dyn Iterator<Item = (&str, u64)>| {
        let _ = write!(xml, "<{name}>");
        for (id, size) in blocks {
            let _ = write!(xml, "<Block><Name>{id}</Name><Size>{size}</Size></Block>");
        }
        let _ = write!(xml, "</{name}>");
    };
    if let Some(parts) = committed {
        section("CommittedBlocks", &mut parts.iter().map(|part| (part.id.as_str(), part.size)));
    }
    if let Some(blocks) = uncommitted {
        section("UncommittedBlocks", &mut blocks.iter().map(|block| (block.id.as_str(), block.size)));
    }
    xml.push_str("</BlockList>");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_three_kinds_in_order() {
        let xml = "\u{feff}<?xml version='1.0' encoding='utf-8'?>\n<BlockList>\n <Latest>MDA=</Latest>\
                   <Committed>MDE=</Committed><!-- x --><Uncommitted> MDI= </Uncommitted></BlockList>\n";
        let list = parse(xml.as_bytes()).expect("a good list");
        let list: Vec<_> = list.iter().map(|block| (block.source, block.id.base64())).collect();
        let wanted = [
            (BlockSource::Latest, "MDA=".to_owned()),
            (BlockSource::Committed, "MDE=".to_owned()),
            (BlockSource::Uncommitted, "MDI=".to_owned()),
        ];
        assert_eq!(list, wanted);
        for empty in ["<BlockList/>", "<BlockList></BlockList>"] {
            assert!(parse(empty.as_bytes()).expect("a good list").is_empty());
        }
    }

    #[test]
    fn refuses_what_is_no_block_list() {
        for bad in [
            "",
            "x",
            "<BlockList>",
            "<Blocks/>",
            "<BlockList><Latest/></BlockList>",
            "{}",
            "<BlockList><Latest>no base64</Latest></BlockList>",
            "<BlockList><Old>MDA=</Old></BlockList>",
            "<BlockList><Latest><Latest>MDA=</Latest></Latest></BlockList>",
            "<BlockList>MDA=</BlockList>",
            "<BlockList><Latest>MDA&#61;</Latest></BlockList>",
            "<BlockList/><BlockList/>",
            "</BlockList>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><BlockList/>",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

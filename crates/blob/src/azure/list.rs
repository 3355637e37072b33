//! Lists of names.
//!
//! Not by the crate: it wants properties of every object, and Azure gives none for those that have only
//! uncommitted blocks.

use super::{Azure, failure::Failure, limits::Call, transport};
use azure_storage::prelude::{BlobSasPermissions, SasToken};
use quick_xml::{XmlVersion, escape::resolve_predefined_entity, events::Event, reader::Reader};
use reqwest::Method;
use segue_ports::blob::Listing;
use time::OffsetDateTime;

/// Names in a page.
const PAGE: &str = "1000";
/// How long the right to list lasts.
const LIFE: time::Duration = time::Duration::minutes(15);

impl Azure {
    pub(super) async fn names(&self, prefix: &str, after: Option<&str>) -> Result<Listing, Failure> {
        let body = self
            .timeouts()
            .run(Call::new("list", None), || async {
                let may = BlobSasPermissions { list: true, ..BlobSasPermissions::default() };
                let sas =
                    self.container().shared_access_signature(may, OffsetDateTime::now_utc() + LIFE).await?;
                let mut url = self.container().url()?;
                url.set_query(Some(&sas.token()?));
                url.query_pairs_mut()
                    .append_pair("restype", "container")
                    .append_pair("comp", "list")
                    .append_pair("include", "uncommittedblobs")
                    .append_pair("maxresults", PAGE)
                    .append_pair("prefix", prefix)
                    .extend_pairs(after.map(|after| ("marker", after)));
                let response = transport::send(self.transport().request(Method::GET, url)).await?;
                transport::answer(response).await
            })
            .await?;
        parse(&body)
    }
}

/// Reads an `EnumerationResults`. Names that cannot be ours are left out.
fn parse(body: &[u8]) -> Result<Listing, Failure> {
    let garbled = |what: &str| Failure::Garbled(format!("list of objects: {what}"));
    let text = std::str::from_utf8(body).map_err(|_| garbled("not UTF-8"))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut path: Vec<String> = Vec::new();
    let mut value = String::new();
    let mut listing = Listing::default();
    loop {
        match reader.read_event().map_err(|error| garbled(&error.to_string()))? {
            Event::Start(tag) => {
                let name = tag.local_name();
                path.push(AsRef::<str>::as_ref(&name).to_owned());
                value.clear();
            }
            Event::Text(piece) => value.push_str(&piece.xml_content(XmlVersion::Explicit1_0)),
            Event::GeneralRef(entity) => {
                let name: &str = entity.as_ref();
                match entity.resolve_char_ref().map_err(|error| garbled(&error.to_string()))? {
                    Some(letter) => value.push(letter),
                    None => value.push_str(resolve_predefined_entity(name).ok_or_else(|| garbled(name))?),
                }
            }
            Event::End(_) => {
                let path_text: Vec<&str> = path.iter().map(String::as_str).collect();
                match path_text[..] {
                    ["EnumerationResults", "Blobs", "Blob", "Name"] => match value.parse() {
                        Ok(name) => listing.objects.push(name),
                        Err(_) => tracing::debug!(name = value, "an object that is not ours is left out"),
                    },
                    ["EnumerationResults", "NextMarker"] if !value.is_empty() => {
                        listing.next = Some(value.clone());
                    }
                    _ => {}
                }
                path.pop();
                value.clear();
            }
            Event::Eof if path.is_empty() => return Ok(listing),
            Event::Eof => return Err(garbled("it ends early")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_and_marker() {
        let xml = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"http://x/\">\
                   <Prefix>media/</Prefix><Blobs><Blob><Name>media/a/b</Name><Properties><Etag>0x1</Etag>\
                   <LeaseStatus>unlocked</LeaseStatus></Properties><OrMetadata/></Blob>\
                   <Blob><Name>media/a/c</Name><Properties/></Blob><Blob><Name>not ours &amp; odd</Name></Blob></Blobs>\
                   <NextMarker>2!92!a&amp;b&#33;</NextMarker></EnumerationResults>";
        let listing = parse(xml.as_bytes()).expect("a list");
        assert_eq!(
            listing.objects.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
            ["media/a/b", "media/a/c"]
        );
        assert_eq!(listing.next.as_deref(), Some("2!92!a&b!"));
    }

    #[test]
    fn an_empty_list_is_the_last_page() {
        for xml in [
            "<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>",
            "<EnumerationResults><Blobs></Blobs><NextMarker></NextMarker></EnumerationResults>",
        ] {
            assert_eq!(parse(xml.as_bytes()).expect("a list"), Listing::default());
        }
        assert!(parse(b"<EnumerationResults><Blobs>").is_err());
    }
}

//! Writes a playlist as a file: a head, items one after the other, a tail.

use super::{Format, SONG_URN, m3u::SEGUE_SONG};
use crate::record::ItemRecord;
use segue_proto::song::v1::Song;

/// Writes one file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer(pub Format);

impl Writer {
    pub(crate) fn head(self, title: &str) -> String {
        match self.0 {
            Format::M3u => format!("#EXTM3U\n#PLAYLIST:{}\n", line(title)),
            Format::Xspf => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\">\n\
                 <title>{}</title>\n<trackList>\n",
                xml(title)
            ),
        }
    }

    /// An item; of a song that the reader does not see there is nothing but its id.
    pub(crate) fn item(self, item: &ItemRecord, song: Option<&Song>) -> String {
        let title = song.map(|song| song.title.as_str()).unwrap_or_default();
        let artist = song.map(|song| song.artists.join(", ")).unwrap_or_default();
        let duration = song.map_or(item.duration_ms, |song| song.duration_ms);
        match self.0 {
            Format::M3u => {
                let name = if artist.is_empty() { title.to_owned() } else { format!("{artist} - {title}") };
                let seconds = duration.div_ceil(1000);
                let (name, id) = (line(&name), item.song);
                format!("#EXTINF:{seconds},{name}\n{SEGUE_SONG}{id}\n{SONG_URN}{id}\n")
            }
            Format::Xspf => {
                let mut track = format!(
                    "<track>\n<location>{SONG_URN}{id}</location>\n<identifier>{SONG_URN}{id}</identifier>\n",
                    id = item.song
                );
                let mut add = |name: &str, text: &str| {
                    if !text.is_empty() {
                        track.push_str(&format!("<{name}>{}</{name}>\n", xml(text)));
                    }
                };
                let prefixed = |prefix: &str, id: &str| {
                    if id.is_empty() { String::new() } else { format!("{prefix}{id}") }
                };
                if let Some(song) = song {
                    add("identifier", &prefixed("urn:isrc:", &song.isrc));
                    let recording = "https://musicbrainz.org/recording/";
                    add("identifier", &prefixed(recording, &song.musicbrainz_id));
                    add("title", title);
                    add("creator", &artist);
                    add("album", &song.album);
                }
                add("duration", &duration.to_string());
                track.push_str("</track>\n");
                track
            }
        }
    }

    pub(crate) fn tail(self) -> &'static str {
        match self.0 {
            Format::M3u => "",
            Format::Xspf => "</trackList>\n</playlist>\n",
        }
    }
}

/// Text on one line.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text within XML, without what XML has no words for.
fn xml(text: &str) -> String {
    quick_xml::escape::escape(line(text)).into_owned()
}

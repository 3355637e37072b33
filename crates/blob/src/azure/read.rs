//! Reading objects by URLs that carry the right to it.
//!
//! Not by the crate: it asks for a checksum of each part, which not every service gives, and cannot read an object
//! without bytes.

use super::{
    failure::Failure,
    limits::{AzureTimeouts, Call},
    resume,
    transport::{Transport, send},
};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use reqwest::{Method, Response, Url, header};
use segue_domain::{ObjectName, Timestamp};
use segue_ports::blob::{BlobError, Download, Properties};
use std::{ops::Range, sync::Arc, time::UNIX_EPOCH};

/// Where the right to read comes from.
#[async_trait]
pub(super) trait ReadUrls: std::fmt::Debug + Send + Sync {
    /// A URL that may read `object` now.
    async fn url(&self, object: &ObjectName) -> Result<Url, Failure>;
    /// The last one was refused. True when the next one is another.
    async fn refused(&self) -> bool;
}

/// Reads of one container; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Reads {
    pub(super) transport: Transport,
    pub(super) timeouts: AzureTimeouts,
    pub(super) urls: Arc<dyn ReadUrls>,
}

/// What was asked for, as HTTP can say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Whole,
    /// From the first byte on, up to the last one when there is one.
    Part(u64, Option<u64>),
    /// Bytes that HTTP cannot ask for: none, or some behind the end of every object.
    Nothing,
}

impl Ask {
    fn of(range: Option<&Range<u64>>) -> Self {
        // Services count in signed 64 bits.
        const END: u64 = i64::MAX as u64;
        match range {
            None => Self::Whole,
            Some(range) if range.start >= range.end || range.start >= END => Self::Nothing,
            Some(range) => Self::Part(range.start, (range.end <= END).then_some(range.end - 1)),
        }
    }
    fn header(self) -> Option<String> {
        match self {
            Self::Part(first, Some(last)) => Some(format!("bytes={first}-{last}")),
            Self::Part(first, None) => Some(format!("bytes={first}-")),
            Self::Whole | Self::Nothing => None,
        }
    }
}

impl Reads {
    pub(super) async fn head(
        &self,
        object: &ObjectName,
        if_match: Option<&str>,
    ) -> Result<Properties, Failure> {
        let response = self.open("head", Method::HEAD, object, Ask::Whole, if_match).await?;
        properties(&response, None)
    }

    pub(super) async fn get(
        &self,
        object: &ObjectName,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Download, BlobError> {
        let Some(range) = range else {
            let response = self.open("get", Method::GET, object, Ask::Whole, if_match).await;
            return response
                .and_then(|response| self.download(object, response))
                .map_err(|failure| failure.of(object));
        };
        let ask = Ask::of(Some(&range));
        if ask == Ask::Nothing {
            return self.get_nothing(object, range, if_match).await;
        }
        match self.open("get", Method::GET, object, ask, if_match).await {
            Ok(response) if content_range(&response).is_some() => {
                self.download(object, response).map_err(|failure| failure.of(object))
            }
            // Azure refuses (416) what is not there. Azurite sends an object without bytes as a whole, and a part
            // that begins at the end as "bytes 10-9/10".
            Ok(_) => self.get_nothing(object, range, if_match).await,
            Err(failure) if failure.status() == 416 => self.get_nothing(object, range, if_match).await,
            Err(failure) => Err(failure.of(object)),
        }
    }

    /// The rest of an object whose bytes before `at` have been read, up to `end`.
    pub(super) async fn rest(
        &self,
        object: &ObjectName,
        range: Range<u64>,
        etag: &str,
    ) -> Result<Response, Failure> {
        let response = self.open("resume", Method::GET, object, Ask::of(Some(&range)), Some(etag)).await?;
        match content_range(&response) {
            Some((got, _)) if got == range => Ok(response),
            _ => Err(Failure::Garbled("it is another range than was asked for".to_owned())),
        }
    }

    /// No bytes of an object that is there: the beginning of an empty one, or an empty range.
    async fn get_nothing(
        &self,
        object: &ObjectName,
        range: Range<u64>,
        if_match: Option<&str>,
    ) -> Result<Download, BlobError> {
        let properties = self.head(object, if_match).await.map_err(|failure| failure.of(object))?;
        let (start, size) = (range.start, properties.size);
        match start {
            _ if start < size && !range.is_empty() => {
                Err(Failure::Garbled("it is not the part that was asked for".to_owned()).of(object))
            }
            1.. if start >= size => Err(BlobError::OutOfRange(size)),
            _ => Ok(Download { properties, range: start..start, body: stream::empty().boxed() }),
        }
    }

    fn download(&self, object: &ObjectName, response: Response) -> Result<Download, Failure> {
        let part = content_range(&response);
        let properties = properties(&response, part.as_ref().map(|(_, size)| *size))?;
        let range = part.map_or(0..properties.size, |(range, _)| range);
        let body =
            resume::body(self.clone(), object.clone(), properties.etag.clone(), range.clone(), response);
        Ok(Download { properties, range, body })
    }

    /// Sends a request with its tries, up to the head of the answer.
    async fn open(
        &self,
        name: &'static str,
        method: Method,
        object: &ObjectName,
        ask: Ask,
        if_match: Option<&str>,
    ) -> Result<Response, Failure> {
        let call = Call::new(name, object);
        let attempt = || async {
            let url = self.urls.url(object).await?;
            let mut request = self.transport.request(method.clone(), url);
            if let Some(range) = ask.header() {
                request = request.header(header::RANGE, range);
            }
            if let Some(etag) = if_match {
                request = request.header(header::IF_MATCH, etag);
            }
            send(request).await
        };
        let result = self.timeouts.run(call, attempt).await.map_err(Failure::from);
        match result {
            Err(Failure::Refused { status: 401 | 403, .. }) if self.urls.refused().await => {
                Ok(self.timeouts.run(call, attempt).await?)
            }
            result => result,
        }
    }
}

/// The properties in the head of an answer; `size` is the whole object's when the answer is a part of it.
fn properties(response: &Response, size: Option<u64>) -> Result<Properties, Failure> {
    let text = |name: header::HeaderName| {
        let value = response.headers().get(&name).and_then(|value| value.to_str().ok());
        value.ok_or_else(|| Failure::Garbled(format!("{name} is missing")))
    };
    let size = match size {
        Some(size) => size,
        None => text(header::CONTENT_LENGTH)?
            .parse()
            .map_err(|_| Failure::Garbled("content-length is no number".to_owned()))?,
    };
    Ok(Properties {
        etag: text(header::ETAG)?.to_owned(),
        size,
        content_type: text(header::CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned(),
        modified: http_time(text(header::LAST_MODIFIED)?)?,
    })
}

/// A time as HTTP writes it.
fn http_time(text: &str) -> Result<Timestamp, Failure> {
    let time = httpdate::parse_http_date(text).ok();
    let seconds = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs());
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    seconds
        .map(Timestamp::from_seconds)
        .ok_or_else(|| Failure::Garbled("last-modified is no time".to_owned()))
}

/// `bytes 3-8/10`: the range and the size of the whole.
fn content_range(response: &Response) -> Option<(Range<u64>, u64)> {
    parse_content_range(response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?)
}

fn parse_content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let size = size.parse().ok()?;
    (first <= last && last < size).then_some((first..last + 1, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_what_http_can_say() {
        let header = |range: Option<Range<u64>>| Ask::of(range.as_ref()).header();
        assert_eq!(header(None), None);
        assert_eq!(header(Some(3..9)).as_deref(), Some("bytes=3-8"));
        assert_eq!(header(Some(3..u64::MAX)).as_deref(), Some("bytes=3-"));
        assert_eq!(Ask::of(Some(&(3..3))), Ask::Nothing);
        assert_eq!(Ask::of(Some(&(u64::MAX - 1..u64::MAX))), Ask::Nothing);
    }

    #[test]
    fn believes_only_sound_ranges() {
        assert_eq!(parse_content_range("bytes 3-8/10"), Some((3..9, 10)));
        for bad in ["", "bytes */10", "bytes 3-2/10", "bytes 3-10/10", "bytes 3-8/*", "lines 3-8/10"] {
            assert_eq!(parse_content_range(bad), None, "{bad}");
        }
    }
}

//! What a request asks for.

use super::answer::{Failure, Refusal};
use crate::{
    directory::{BlockId, Conditions, Directory, NewObject, Tags},
    sas::{Granted, Params},
};
use axum::http::{HeaderMap, Method, request::Parts};
use base64::{Engine, engine::general_purpose::STANDARD};
use segue_domain::{ObjectName, Timestamp};

/// The calls of Azure's that there are.
#[derive(Debug)]
pub(super) enum Operation {
    PutBlob,
    PutBlock(BlockId),
    PutBlockList,
    Get,
    Head,
    Delete,
    GetBlockList { committed: bool, uncommitted: bool },
}

/// A request, understood but not yet allowed.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) object: ObjectName,
    pub(super) operation: Operation,
    pub(super) params: Params,
    pub(super) headers: &'a HeaderMap,
    secure: bool,
}

impl<'a> Call<'a> {
    pub(super) fn read(directory: &Directory, head: &'a Parts) -> Result<Self, Failure> {
        let signer = directory.signer();
        let prefix = format!("/{}/{}/", signer.account, signer.container);
        let path = head.uri.path().strip_prefix(&prefix).ok_or(Refusal::Uri)?;
        // Some of Azure's SDKs escape the slashes of a name. Nothing else may be escaped: a name has one spelling.
        let object = path.replace("%2F", "/").replace("%2f", "/").parse().map_err(|_| Refusal::Uri)?;
        let params = Params::parse(head.uri.query().unwrap_or(""))
            .ok_or(Refusal::Query("in the URL", "there once, in UTF-8"))?;
        let secure = head.uri.scheme_str() == Some("https")
            || head.headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
        let operation = operation(&head.method, &params, &head.headers)?;
        Ok(Self { object, operation, params, headers: &head.headers, secure })
    }

    /// What the SAS in the URL allows on the object.
    pub(super) fn authorize(&self, directory: &Directory) -> Result<Granted, Failure> {
        Ok(directory.signer().verify(&self.params, &self.object, directory.now(), self.secure)?)
    }

    /// A header that is text.
    pub(super) fn header(&self, name: &'static str) -> Result<Option<&'a str>, Failure> {
        let value = self.headers.get(name).map(|value| value.to_str()).transpose();
        Ok(value.map_err(|_| Refusal::Header(name, "ASCII"))?)
    }

    /// The announced length of the body in bytes.
    pub(super) fn content_length(&self) -> Result<Option<u64>, Failure> {
        let length = self.header("content-length")?.map(str::parse).transpose();
        Ok(length.map_err(|_| Refusal::Header("Content-Length", "a number"))?)
    }

    pub(super) fn conditions(&self, create_only: bool) -> Result<Conditions, Failure> {
        let date = |name| -> Result<Option<i64>, Failure> {
            let Some(text) = self.header(name)? else { return Ok(None) };
            let time = httpdate::parse_http_date(text).map_err(|_| Refusal::Header(name, "an HTTP date"))?;
            Ok(Some(Timestamp::from(time).seconds()))
        };
        Ok(Conditions {
            if_match: self.header("if-match")?.map(Tags::parse),
            if_none_match: self.header("if-none-match")?.map(Tags::parse),
            modified_since: date("if-modified-since")?,
            unmodified_since: date("if-unmodified-since")?,
            create_only,
        })
    }

    /// What a write says of its object. `fallback` is where the media type stands when `x-ms-blob-content-type` is
    /// not there.
    pub(super) fn new_object(
        &self,
        limit: u64,
        create_only: bool,
        fallback: Option<&'static str>,
    ) -> Result<NewObject, Failure> {
        let given = match (self.header("x-ms-blob-content-type")?, fallback) {
            (None, Some(name)) => self.header(name)?,
            (given, _) => given,
        };
        let content_type = given.filter(|text| !text.is_empty()).unwrap_or("application/octet-stream");
        if content_type.len() > 256 {
            return Err(Refusal::Header("x-ms-blob-content-type", "at most 256 bytes long").into());
        }
        let content_md5 = self.header("x-ms-blob-content-md5")?;
        content_md5.map(parse_md5).transpose()?;
        Ok(NewObject {
            content_type: content_type.to_owned(),
            content_md5: content_md5.map(str::to_owned),
            limit,
            conditions: self.conditions(create_only)?,
        })
    }

    /// The digest in `x-ms-blob-content-md5`.
    pub(super) fn blob_md5(&self) -> Result<Option<[u8; 16]>, Failure> {
        self.header("x-ms-blob-content-md5")?.map(parse_md5).transpose()
    }
}

pub(super) fn parse_md5(text: &str) -> Result<[u8; 16], Failure> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.ok_or(Refusal::Md5Format)?)
}

fn operation(method: &Method, params: &Params, headers: &HeaderMap) -> Result<Operation, Failure> {
    let unknown =
        || Refusal::Query("comp", "block or blocklist, or not there; other calls are not supported");
    for name in ["snapshot", "versionid", "restype"] {
        if !params.get(name).is_empty() {
            return Err(Refusal::Query(name, "left out; it is not supported").into());
        }
    }
    Ok(match (method, params.get("comp")) {
        (&Method::PUT, "block") => {
            Operation::PutBlock(BlockId::parse(params.get("blockid")).ok_or(Refusal::BlockId)?)
        }
        (&Method::PUT, "blocklist") => Operation::PutBlockList,
        (&Method::PUT, "") => match headers.get("x-ms-blob-type") {
            Some(kind) if kind == "BlockBlob" => Operation::PutBlob,
            Some(_) => return Err(Refusal::Header("x-ms-blob-type", "BlockBlob").into()),
            None => {
                return Err(
                    Refusal::MissingHeader("x-ms-blob-type", "there, with the value BlockBlob").into()
                );
            }
        },
        (&Method::GET, "blocklist") => match params.get("blocklisttype") {
            "" | "committed" => Operation::GetBlockList { committed: true, uncommitted: false },
            "uncommitted" => Operation::GetBlockList { committed: false, uncommitted: true },
            "all" => Operation::GetBlockList { committed: true, uncommitted: true },
            _ => return Err(Refusal::Query("blocklisttype", "committed, uncommitted or all").into()),
        },
        (&Method::GET, "") => Operation::Get,
        (&Method::HEAD, "" | "metadata") => Operation::Head,
        (&Method::DELETE, "") => Operation::Delete,
        (&Method::GET | &Method::HEAD | &Method::PUT | &Method::DELETE, _) => return Err(unknown().into()),
        _ => return Err(Refusal::Verb.into()),
    })
}

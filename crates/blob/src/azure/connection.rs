//! Connection strings.

use super::config::AzureConfigError;
use crate::SecretText;
use azure_storage::{ConnectionString, EMULATOR_ACCOUNT, EMULATOR_ACCOUNT_KEY, EndpointProtocol};

/// What a connection string says.
pub(super) struct Connection {
    pub(super) account: String,
    pub(super) key: SecretText,
    pub(super) endpoint: String,
}

/// Reads a connection string with an account key. `setting` is where it comes from, for errors.
pub(super) fn parse(setting: &'static str, text: &SecretText) -> Result<Connection, AzureConfigError> {
    // The crate's errors quote the string, with the key in it: they are not passed on.
    let found = ConnectionString::new(text.expose()).map_err(|_| {
        AzureConfigError::new(setting, "must have the form AccountName=…;AccountKey=…;EndpointSuffix=…")
    })?;
    if found.use_development_storage == Some(true) {
        return Ok(Connection {
            account: EMULATOR_ACCOUNT.to_owned(),
            key: SecretText::new(EMULATOR_ACCOUNT_KEY),
            endpoint: format!("http://127.0.0.1:10000/{EMULATOR_ACCOUNT}"),
        });
    }
    let (Some(account), Some(key)) = (found.account_name, found.account_key) else {
        let message = "has no AccountName and AccountKey; a shared access signature is not enough, for it cannot \
                       sign URLs";
        return Err(AzureConfigError::new(setting, message));
    };
    let endpoint = found.blob_endpoint.map_or_else(
        || {
            let protocol = found.default_endpoints_protocol.unwrap_or(EndpointProtocol::Https);
            let suffix = found.endpoint_suffix.unwrap_or("core.windows.net");
            format!("{protocol}://{account}.blob.{suffix}")
        },
        str::to_owned,
    );
    Ok(Connection { account: account.to_owned(), key: SecretText::new(key), endpoint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_endpoint() {
        let parse = |text: &str| parse("connection_string", &SecretText::new(text)).map(|c| c.endpoint);
        let usual = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=b==;EndpointSuffix=core.chinacloudapi.cn";
        assert_eq!(parse(usual).expect("good"), "https://a.blob.core.chinacloudapi.cn");
        assert_eq!(parse("AccountName=a;AccountKey=b").expect("good"), "https://a.blob.core.windows.net");
        assert!(parse("UseDevelopmentStorage=true").expect("good").ends_with("/devstoreaccount1"));
        assert!(parse("AccountName=a;SharedAccessSignature=sig=1").is_err());
        assert!(parse("nothing").is_err());
    }
}

//! Reading lists page by page.

use crate::ClientError;
use std::future::Future;

/// What a service gives at once, at most.
const PAGE: usize = 200;

/// Asks for pages until there are no more, or until `most` were read. `page` gets how many to ask for and the token.
pub(crate) async fn all<T, F, Fut>(most: usize, mut page: F) -> Result<Vec<T>, ClientError>
where
    F: FnMut(i32, String) -> Fut,
    Fut: Future<Output = Result<(Vec<T>, String), ClientError>>,
{
    let (mut found, mut token) = (Vec::new(), String::new());
    while found.len() < most {
        let size = i32::try_from(PAGE.min(most - found.len())).unwrap_or(i32::MAX);
        let (some, next) = page(size, token).await?;
        found.extend(some);
        token = next;
        if token.is_empty() {
            break;
        }
    }
    found.truncate(most);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_are_read_to_the_end_and_never_further_than_asked() {
        let list: Vec<usize> = (0..450).collect();
        for (most, calls) in [(usize::MAX, 3), (450, 3), (201, 2), (200, 1), (3, 1), (0, 0)] {
            let mut asked = 0;
            let read = all(most, |size, token| {
                asked += 1;
                let from: usize = token.parse().unwrap_or(0);
                let to = (from + usize::try_from(size).unwrap()).min(list.len());
                let next = if to == list.len() { String::new() } else { to.to_string() };
                let page = list[from..to].to_vec();
                async move { Ok((page, next)) }
            });
            assert_eq!(read.await.unwrap(), list[..most.min(450)]);
            assert_eq!(asked, calls, "{most}");
        }
    }
}

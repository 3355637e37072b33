//! Dead letters are listed by pages, tried again and thrown away.

use crate::{
    original::{Original, wav},
    stack::{Set, Stack, admin, user},
};
use segue_domain::UserId;
use segue_encoder::EncoderConfig;
use segue_ports::bus::{Bus, Message};
use segue_proto::encoder::v1::{
    DeadLetter, DropDeadLetterRequest, ListDeadLettersRequest, RetryDeadLetterRequest,
};
use std::time::Duration;
use tonic::Code;

/// A job that no encoder of this version knows.
fn strange(original: &Original, n: usize) -> Message {
    let payload = bytes::Bytes::from(format!("\u{7f}strange {n}"));
    Message { id: format!("strange-{n}"), payload, ..original.message() }
}

async fn list(stack: &Stack, queue: &str, page_size: i32) -> Vec<DeadLetter> {
    let mut client = stack.client(admin());
    let mut request = ListDeadLettersRequest { queue: queue.into(), page_size, ..Default::default() };
    let mut letters = Vec::new();
    loop {
        let answer = client.list_dead_letters(request.clone()).await.unwrap().into_inner();
        assert!(answer.dead_letters.len() <= page_size as usize);
        letters.extend(answer.dead_letters);
        if answer.next_page_token.is_empty() {
            return letters;
        }
        request.page_token = answer.next_page_token;
    }
}

async fn wait_for(stack: &Stack, queue: &str, count: usize) -> Vec<DeadLetter> {
    let wait = async {
        loop {
            let letters = list(stack, queue, 2).await;
            if letters.len() == count {
                return letters;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("they die in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_and_decides() {
    let config = EncoderConfig { max_failures: 1, ..Set::default().config };
    let stack = Stack::start(Set { config, ..Set::default() }).await;
    let original = Original::store(&stack, &wav(1));
    stack.bus.publish((0..5).map(|n| strange(&original, n)).collect()).await.unwrap();
    let letters = wait_for(&stack, "encoder.jobs", 5).await;
    let shown: Vec<_> = letters.iter().map(|l| l.event_id.as_str()).collect();
    assert_eq!(shown, ["strange-0", "strange-1", "strange-2", "strange-3", "strange-4"], "oldest first");
    assert_eq!((letters[0].failures, letters[0].topic.as_str()), (1, "song.uploaded.v1"));
    assert!(letters[0].reason.contains("no event"), "{}", letters[0].reason);
    assert_eq!(letters[0].payload, strange(&original, 0).payload);

    // They are in the other queue too, and all are listed one queue after the other.
    wait_for(&stack, "encoder.intake", 5).await;
    let all = list(&stack, "", 3).await;
    let queues: Vec<_> = all.iter().map(|l| l.queue.as_str()).collect();
    assert_eq!(queues, [["encoder.jobs"; 5], ["encoder.intake"; 5]].concat());

    let mut client = stack.client(admin());
    let drop = DropDeadLetterRequest {
        queue: "encoder.jobs".into(),
        dead_letter_id: letters[1].dead_letter_id.clone(),
    };
    assert!(client.drop_dead_letter(drop.clone()).await.unwrap().into_inner().found);
    assert!(!client.drop_dead_letter(drop).await.unwrap().into_inner().found, "repeating changes nothing");
    let retry = RetryDeadLetterRequest {
        queue: "encoder.jobs".into(),
        dead_letter_id: letters[0].dead_letter_id.clone(),
    };
    assert!(client.retry_dead_letter(retry.clone()).await.unwrap().into_inner().found);
    assert!(!client.retry_dead_letter(retry).await.unwrap().into_inner().found);
    // It is as strange as before, and the youngest of the dead now.
    let left = wait_for(&stack, "encoder.jobs", 4).await;
    let shown: Vec<_> = left.iter().map(|l| l.event_id.as_str()).collect();
    assert_eq!(shown, ["strange-2", "strange-3", "strange-4", "strange-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_job_is_tried_again_by_a_new_encoding_of_its_song() {
    let config = EncoderConfig { max_failures: 1, ..Set::default().config };
    let worker = crate::stack::script("kill -9 $$");
    let stack = Stack::start(Set { config, worker, ..Set::default() }).await;
    let original = Original::store(&stack, &wav(1));
    original.publish(&stack).await;
    assert_eq!(stack.failure(&original).await, "PARKED");
    let letters = wait_for(&stack, "encoder.jobs", 1).await;
    assert_eq!(letters[0].key, original.song.to_string());
    let retry = RetryDeadLetterRequest {
        queue: "encoder.jobs".into(),
        dead_letter_id: letters[0].dead_letter_id.clone(),
    };
    let mut client = stack.client(admin());
    assert!(client.retry_dead_letter(retry.clone()).await.unwrap().into_inner().found);
    assert!(list(&stack, "encoder.jobs", 10).await.is_empty());
    assert!(!client.retry_dead_letter(retry).await.unwrap().into_inner().found);

    // A song that is gone cannot be tried again, and its job stays until it is thrown away.
    let gone = Original::store(&stack, &wav(1));
    gone.publish(&stack).await;
    let letters = wait_for(&stack, "encoder.jobs", 1).await;
    stack.songs.owners.lock().unwrap().clear();
    let retry = RetryDeadLetterRequest {
        queue: "encoder.jobs".into(),
        dead_letter_id: letters[0].dead_letter_id.clone(),
    };
    assert_eq!(client.retry_dead_letter(retry).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(list(&stack, "encoder.jobs", 10).await, letters);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_named() {
    let stack = Stack::start(Set::default()).await;
    let mut client = stack.client(user(UserId::new()));
    for wrong in [
        ListDeadLettersRequest { queue: "no such queue".into(), ..Default::default() },
        ListDeadLettersRequest { page_size: -1, ..Default::default() },
        ListDeadLettersRequest { page_token: "garbage".into(), ..Default::default() },
    ] {
        assert_eq!(client.list_dead_letters(wrong).await.unwrap_err().code(), Code::InvalidArgument);
    }
    let retry = RetryDeadLetterRequest { queue: "no such queue".into(), dead_letter_id: "1".into() };
    assert_eq!(client.retry_dead_letter(retry).await.unwrap_err().code(), Code::InvalidArgument);
    let odd = RetryDeadLetterRequest { queue: "encoder.jobs".into(), dead_letter_id: "no id".into() };
    assert!(!client.retry_dead_letter(odd).await.unwrap().into_inner().found);
}

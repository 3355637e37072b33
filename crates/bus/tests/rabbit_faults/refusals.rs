//! What waiting cannot help.

use crate::{Broker, bus, config, queue};
use lapin::{Connection, ConnectionProperties, options::QueueDeclareOptions, types::FieldTable};
use segue_bus::{Rabbit, RabbitError};
use segue_domain::SystemClock;
use segue_ports::bus::{Bus, BusError, Message};
use std::sync::Arc;

pub(crate) async fn refuses_what_waiting_cannot_help(broker: &Broker) {
    for url in [broker.url_of("guest:wrong", "%2f"), broker.url_of("guest:guest", "no-such-vhost")] {
        let refused = Rabbit::connect(config(url, "refused"), Arc::new(SystemClock)).await.unwrap_err();
        assert!(matches!(refused, RabbitError::Refused { .. }), "{refused}");
        let text = refused.to_string();
        assert!(text.contains("bus.url") && !text.contains("wrong"), "{text}");
    }
    for url in ["", "http://127.0.0.1:1/", "127.0.0.1"] {
        let refused =
            Rabbit::connect(config(url.into(), "refused"), Arc::new(SystemClock)).await.unwrap_err();
        assert!(refused.to_string().starts_with("bus.url is not amqp://"), "{refused}");
    }
    let bus = bus(broker, "refused").await;
    let long = Message { topic: "t".repeat(256), ..crate::job(1) };
    assert!(matches!(bus.publish(vec![long]).await, Err(BusError::Refused(_))));
}

pub(crate) async fn names_a_queue_with_other_settings(broker: &Broker) {
    let connection =
        Connection::connect(&broker.url(), ConnectionProperties::default()).await.expect("connected");
    let channel = connection.create_channel().await.expect("a channel");
    let options = QueueDeclareOptions::durable();
    channel.queue_declare("other.jobs".into(), options, FieldTable::default()).await.expect("declared");
    let bus = bus(broker, "other").await;
    for _ in 0..2 {
        match bus.declare(&queue("jobs", 1)).await {
            Err(BusError::Refused(why)) => {
                assert!(why.contains("\"jobs\"") && why.contains("delete"), "{why}")
            }
            other => panic!("{other:?}"),
        }
    }
    // The others are not harmed, also on a new connection.
    bus.declare(&queue("healthy", 1)).await.expect("declared");
    assert!(matches!(bus.consume(&queue("jobs", 1)).await, Err(BusError::Refused(_))));
    let another = crate::bus(broker, "other").await;
    crate::connected(&another).await;
    another.declare(&queue("healthy", 1)).await.expect("declared by two processes alike");
}

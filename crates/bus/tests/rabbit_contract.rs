//! The bus on RabbitMQ does what every bus does. Runs when `SEGUE_TEST_RABBITMQ` names a broker
//! (`amqp://user:password@host:port/%2f`); each engine has names of its own there.

use async_trait::async_trait;
use segue_bus::{BrokerUrl, Rabbit, RabbitConfig};
use segue_domain::SystemClock;
use segue_ports::{
    bus::Bus,
    contract::bus::{Engine, run},
};
use std::sync::Arc;

struct Broker {
    config: RabbitConfig,
    bus: Option<Rabbit>,
}

impl Broker {
    async fn open(&mut self) {
        let bus = Rabbit::connect(self.config.clone(), Arc::new(SystemClock)).await;
        self.bus = Some(bus.expect("the broker takes us"));
    }
}

#[async_trait]
impl Engine for Broker {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.bus.clone().expect("it is open"))
    }
    async fn reopen(&mut self) {
        self.bus = None;
        self.open().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn does_what_every_bus_does() {
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment which broker to use")]
    let Ok(url) = std::env::var("SEGUE_TEST_RABBITMQ") else {
        eprintln!("SEGUE_TEST_RABBITMQ is not set: RabbitMQ is not tested here");
        return;
    };
    run(|| {
        let prefix = format!("test.{}.", uuid::Uuid::new_v4().simple());
        let config = RabbitConfig { url: BrokerUrl::new(url.clone()), prefix, ..RabbitConfig::default() };
        Box::pin(async {
            let mut broker = Broker { config, bus: None };
            broker.open().await;
            Box::new(broker) as Box<dyn Engine>
        })
    })
    .await;
}

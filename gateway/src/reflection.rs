//! Server reflection, so that grpcurl and its kin need no contracts. Open to all: the contracts are public.

use crate::Error;
use axum::Router;
use segue_mesh::PolicyError;
use tonic::service::Routes;
use tonic_reflection::server::Builder;

/// Reflection v1 and v1alpha of the routed services, with health.
pub(crate) fn router(services: &[String]) -> Result<Router, Error> {
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(segue_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        services.iter().fold(builder, |b, name| b.with_service_name(name))
    };
    let broken = |e: tonic_reflection::server::Error| PolicyError::Descriptor(e.to_string());
    let v1 = builder().build_v1().map_err(broken)?;
    let v1alpha = builder().build_v1alpha().map_err(broken)?;
    Ok(Routes::new(v1).add_service(v1alpha).prepare().into_axum_router().reset_fallback())
}

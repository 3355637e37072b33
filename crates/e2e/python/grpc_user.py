"""Uses the gateway with grpcio alone: everything is learned by server reflection.

    python grpc_user.py HOST:PORT EMAIL PASSWORD SONG
"""

import json
import sys

try:
    import grpc
    from google.protobuf import json_format
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass
    from google.rpc import error_details_pb2
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
        ProtoReflectionDescriptorDatabase,
    )
    from grpc_status import rpc_status
except ImportError as error:
    sys.exit(f"{error}; run the tests with 'cargo xtask test'")

target, email, password, song = sys.argv[1:]
channel = grpc.insecure_channel(target)
reflection = ProtoReflectionDescriptorDatabase(channel)
pool = DescriptorPool(reflection)
report = {"services": sorted(reflection.get_services())}


def method(service, name):
    descriptor = pool.FindServiceByName(service).FindMethodByName(name)
    request, reply = GetMessageClass(descriptor.input_type), GetMessageClass(descriptor.output_type)
    kind = channel.unary_stream if descriptor.server_streaming else channel.unary_unary
    call = kind(
        f"/{service}/{name}",
        request_serializer=request.SerializeToString,
        response_deserializer=reply.FromString,
    )
    return lambda metadata=(), timeout=20, **fields: call(
        request(**fields), metadata=metadata, timeout=timeout
    )


def refused(call):
    try:
        call()
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        details = []
        for any_detail in status.details if status else []:
            for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
                if any_detail.Is(kind.DESCRIPTOR):
                    message = kind()
                    any_detail.Unpack(message)
                    details.append({"type": kind.DESCRIPTOR.name, **json_format.MessageToDict(message)})
        return {"code": error.code().name, "message": error.details(), "details": details}
    return {"code": "OK"}


identity, songs = "segue.identity.v1.IdentityService", "segue.song.v1.SongService"
signed_in = method(identity, "SignIn")(email=email, password=password, device="grpcio")
token = (("authorization", f"Bearer {signed_in.tokens.access_token}"),)
report["me"] = method(identity, "GetMe")(token).user.email
report["title"] = method(songs, "GetSong")(token, song_id=song).song.title
report["watched"] = [a.song.state for a in method(songs, "WatchSong")(token, song_id=song)]
report["anonymous"] = refused(lambda: method(songs, "ListSongs")())
report["bad_id"] = refused(lambda: method(songs, "GetSong")(token, song_id="nonsense"))
report["bad_token"] = refused(lambda: method(songs, "ListSongs")((("authorization", "Bearer a.b.c"),)))
health = method("grpc.health.v1.Health", "Check")
report["health"] = {s: health(service=s).status for s in ("", songs, identity)}
print(json.dumps(report))

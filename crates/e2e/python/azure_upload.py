"""Uploads a file to a signed URL with Azure's own SDK, as it would to Azure.

    python azure_upload.py URL FILE
"""

import sys

try:
    from azure.storage.blob import BlobClient
except ImportError:
    sys.exit("azure-storage-blob is not installed; run the tests with 'cargo xtask test'")

url, path = sys.argv[1:]
client = BlobClient.from_blob_url(
    url, max_single_put_size=1 << 20, max_block_size=256 << 10, retry_total=3
)
with open(path, "rb") as file:
    answer = client.upload_blob(file, overwrite=True, max_concurrency=4)
print(answer["etag"])

# S3: versitygw on :7070, MinIO on :7071 (second opinion), rclone on :7072 (ignores preconditions, so clients
# must refuse it); credentials test / testsecret.

s3_prepare() { go_program versitygw; need curl curl; }
minio_prepare() { go_program minio; need curl curl; }
rclone_prepare() { go_program rclone; need curl curl; }

s3_up() {
  s3_prepare
  mkdir -p "$state"/s3/{iam,versions,versity}
  start versitygw versitygw --access test --secret testsecret --region us-east-1 --port 127.0.0.1:7070 --quiet --iam-dir "$state/s3/iam" \
    posix --versioning-dir "$state/s3/versions" "$state/s3/versity"
  until_ok 20 versitygw versitygw curl -s -o /dev/null http://127.0.0.1:7070/
}

minio_up() {
  minio_prepare
  mkdir -p "$state/s3/minio"
  MINIO_ROOT_USER=test MINIO_ROOT_PASSWORD=testsecret MINIO_BROWSER=off MINIO_UPDATE=off \
    MINIO_KMS_SECRET_KEY="test:$(head -c32 /dev/zero | base64)" start minio minio server --quiet --address 127.0.0.1:7071 "$state/s3/minio"
  until_ok 20 minio MinIO curl -s -o /dev/null http://127.0.0.1:7071/
}

rclone_up() {
  rclone_prepare
  mkdir -p "$state/s3/rclone"
  start rclone rclone serve s3 --config /dev/null --addr 127.0.0.1:7072 --auth-key test,testsecret "$state/s3/rclone"
  until_ok 20 rclone rclone curl -s -o /dev/null http://127.0.0.1:7072/
}

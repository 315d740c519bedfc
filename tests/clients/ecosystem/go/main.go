// The AWS SDK for Go v2 against a server that the environment names. Prints a line for each check that held.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

var ctx = context.Background()

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func held(what string) { fmt.Println("held:", what) }

func same(got, expected []byte, what string) {
	if !bytes.Equal(got, expected) {
		check(fmt.Errorf("%s: %d bytes came back, not the %d that were sent", what, len(got), len(expected)))
	}
}

func bytesOf(client *s3.Client, bucket, key string) []byte {
	answer := must(client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled}))
	defer answer.Body.Close()
	return must(io.ReadAll(answer.Body))
}

// A stream that cannot be rewound: the SDK sends it unsigned, with a trailer, where TLS allows.
type stream struct{ io.Reader }

func main() {
	settings := must(config.LoadDefaultConfig(ctx))
	client := s3.NewFromConfig(settings, func(options *s3.Options) { options.UsePathStyle = true })
	bucket := os.Getenv("BUCKET")

	small := []byte("from Go")
	key := "dir/a b+c&d=é"
	must(client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(small), Metadata: map[string]string{"color": "red"},
	}))
	same(bytesOf(client, bucket, key), small, "small object")
	head := must(client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key}))
	if head.Metadata["color"] != "red" {
		check(errors.New("metadata did not come back"))
	}
	held("objects, metadata and keys with signs")

	for _, algorithm := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		must(client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &bucket, Key: aws.String("sum"), Body: bytes.NewReader(small), ChecksumAlgorithm: algorithm,
		}))
		same(bytesOf(client, bucket, "sum"), small, string(algorithm))
	}
	held("all five checksums")

	large := make([]byte, 12<<20)
	must(rand.Read(large))
	upload := manager.NewUploader(client)
	must(upload.Upload(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("large"), Body: stream{bytes.NewReader(large)}}))
	buffer := manager.NewWriteAtBuffer(nil)
	must(manager.NewDownloader(client).Download(ctx, buffer, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("large")}))
	same(buffer.Bytes(), large, "large object")
	held("multipart upload of a stream, download in ranges")

	_, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(small), IfNoneMatch: aws.String("*"),
	})
	var refusal smithy.APIError
	if !errors.As(err, &refusal) || refusal.ErrorCode() != "PreconditionFailed" {
		check(fmt.Errorf("a conditional write over an object: %v", err))
	}
	var missing *types.NoSuchKey
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("missing")})
	if !errors.As(err, &missing) {
		check(fmt.Errorf("a missing key: %v", err))
	}
	held("conditional writes and typed errors")

	names := 0
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, MaxKeys: aws.Int32(1)})
	for pages.HasMorePages() {
		names += len(must(pages.NextPage(ctx)).Contents)
	}
	if names != 3 {
		check(fmt.Errorf("%d keys are listed, not 3", names))
	}
	held("listings page by page")

	url := must(s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key}))
	same(fetch(url.URL), small, "presigned URL")
	held("presigned URLs")
}

import java.net.URI;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/** The AWS SDK for Java v2 against a server that the environment names. Prints a line for each check that held. */
public class Main {
    static final String BUCKET = System.getenv("BUCKET");
    static final URI ENDPOINT = URI.create(System.getenv("AWS_ENDPOINT_URL"));
    static final S3Client CLIENT = S3Client.builder().endpointOverride(ENDPOINT).forcePathStyle(true).build();

    static void held(String what) {
        System.out.println("held: " + what);
    }

    static void ensure(boolean good, String what) {
        if (!good) {
            throw new AssertionError(what);
        }
    }

    static byte[] bytesOf(String key) {
        return CLIENT.getObjectAsBytes(get -> get.bucket(BUCKET).key(key)).asByteArray();
    }

    public static void main(String[] arguments) throws Exception {
        byte[] small = "from Java".getBytes();
        String key = "dir/a b+c&d=é";
        CLIENT.putObject(put -> put.bucket(BUCKET).key(key).metadata(Map.of("color", "red")), RequestBody.fromBytes(small));
        ensure(Arrays.equals(bytesOf(key), small), "small object");
        ensure("red".equals(CLIENT.headObject(head -> head.bucket(BUCKET).key(key)).metadata().get("color")), "metadata");
        held("objects, metadata and keys with signs, sent after 100-continue");

        for (ChecksumAlgorithm algorithm : List.of(ChecksumAlgorithm.CRC32, ChecksumAlgorithm.SHA1, ChecksumAlgorithm.SHA256)) {
            CLIENT.putObject(put -> put.bucket(BUCKET).key("sum").checksumAlgorithm(algorithm), RequestBody.fromBytes(small));
            ensure(Arrays.equals(bytesOf("sum"), small), algorithm.toString());
        }
        held("checksums in signed trailers");

        byte[] large = new byte[11 * 1024 * 1024];
        new Random(1).nextBytes(large);
        multipart(large);
        ensure(Arrays.equals(bytesOf("large"), large), "large object");
        held("multipart upload, its parts in parallel");

        try {
            CLIENT.putObject(put -> put.bucket(BUCKET).key(key).ifNoneMatch("*"), RequestBody.fromBytes(small));
            throw new AssertionError("a conditional write over an object");
        } catch (S3Exception refusal) {
            ensure(refusal.statusCode() == 412, refusal.getMessage());
        }
        try {
            bytesOf("missing");
            throw new AssertionError("a missing key");
        } catch (NoSuchKeyException expected) {
            held("conditional writes and typed errors");
        }

        long names = CLIENT.listObjectsV2Paginator(list -> list.bucket(BUCKET).maxKeys(1)).contents().stream().count();
        ensure(names == 3, names + " keys are listed, not 3");
        held("listings page by page");

        try (S3Presigner presigner = S3Presigner.builder().s3Client(CLIENT).endpointOverride(ENDPOINT)
                .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(true).build()).build()) {
            var url = presigner.presignGetObject(presign -> presign.signatureDuration(java.time.Duration.ofMinutes(1))
                    .getObjectRequest(get -> get.bucket(BUCKET).key(key))).url();
            ensure(Arrays.equals(url.openStream().readAllBytes(), small), "presigned URL");
        }
        held("presigned URLs");
    }

    static void multipart(byte[] large) throws Exception {
        String upload = CLIENT.createMultipartUpload(create -> create.bucket(BUCKET).key("large")).uploadId();
        int partSize = 5 * 1024 * 1024;
        List<Callable<CompletedPart>> sending = new ArrayList<>();
        for (int start = 0; start < large.length; start += partSize) {
            int number = start / partSize + 1;
            ByteBuffer piece = ByteBuffer.wrap(large, start, Math.min(partSize, large.length - start)).slice();
            sending.add(() -> CompletedPart.builder().partNumber(number).eTag(CLIENT.uploadPart(
                    part -> part.bucket(BUCKET).key("large").uploadId(upload).partNumber(number),
                    RequestBody.fromRemainingByteBuffer(piece)).eTag()).build());
        }
        var pool = Executors.newFixedThreadPool(3);
        List<CompletedPart> parts = new ArrayList<>();
        for (var part : pool.invokeAll(sending)) {
            parts.add(part.get());
        }
        pool.shutdown();
        CLIENT.completeMultipartUpload(complete -> complete.bucket(BUCKET).key("large").uploadId(upload)
                .multipartUpload(all -> all.parts(parts)));
    }
}

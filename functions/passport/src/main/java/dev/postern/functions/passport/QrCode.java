package dev.postern.functions.passport;

import com.google.zxing.BarcodeFormat;
import com.google.zxing.EncodeHintType;
import com.google.zxing.WriterException;
import com.google.zxing.client.j2se.MatrixToImageWriter;
import com.google.zxing.qrcode.QRCodeWriter;
import com.google.zxing.qrcode.decoder.ErrorCorrectionLevel;
import dev.postern.functions.passport.PassportCompiler.Compiled;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.HexFormat;
import java.util.Map;
import java.util.UUID;

/** The code that is printed on the product: which version it is, and the hashes to check it by. */
final class QrCode {

    private static final String BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    private QrCode() {}

    /** {@code BPC1|pv=<version>|ph=<payload hash>|pr=<proof root>|rh=<receipt hash>}; hashes in Base32, 52 characters each. */
    static String payload(UUID version, Compiled passport) {
        return "BPC1|pv=%s|ph=%s|pr=%s|rh=%s"
                .formatted(
                        version,
                        base32(passport.payloadHash()),
                        base32(passport.proofRoot()),
                        base32(passport.receiptHash()));
    }

    /** A square PNG with error correction M. The same text and size give the same bytes. */
    static byte[] png(String text, int pixels) throws IOException {
        try {
            var matrix = new QRCodeWriter()
                    .encode(
                            text,
                            BarcodeFormat.QR_CODE,
                            pixels,
                            pixels,
                            Map.of(EncodeHintType.ERROR_CORRECTION, ErrorCorrectionLevel.M));
            ByteArrayOutputStream png = new ByteArrayOutputStream();
            MatrixToImageWriter.writeToStream(matrix, "png", png);
            return png.toByteArray();
        } catch (WriterException e) {
            throw new IllegalStateException(
                    "a text of " + text.length() + " characters does not fit into a QR code", e);
        }
    }

    /** RFC 4648 without padding, which a QR code would only have to carry. */
    private static String base32(String hex) {
        StringBuilder text = new StringBuilder();
        int bits = 0;
        int held = 0;
        for (byte each : HexFormat.of().parseHex(hex)) {
            held = (held << 8 | each & 0xff) & 0xfff;
            bits += 8;
            while (bits >= 5) {
                bits -= 5;
                text.append(BASE32.charAt(held >> bits & 31));
            }
        }
        return bits == 0
                ? text.toString()
                : text.append(BASE32.charAt(held << 5 - bits & 31)).toString();
    }
}

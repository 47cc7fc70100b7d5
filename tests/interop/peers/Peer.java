import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * JSSE, which reads one command a line and answers each.
 *
 * <pre>
 * server VERSION FOLDER CA COUNT  -> PORT n, then OK or FAILED for each of COUNT connections
 * client VERSION FOLDER CA PORT   -> OK or FAILED
 * twice VERSION FOLDER CA PORT    -> two connections that may resume: FULL, RESUMED or FAILED
 * </pre>
 *
 * A folder has bundle.p12, the chain and the key to present.
 */
public final class Peer {
    private static final char[] PASSWORD = "changeit".toCharArray();

    public static void main(String[] arguments) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            try {
                String version = "TLSv" + words[1];
                SSLContext context = context(words[2], words[3]);
                int number = Integer.parseInt(words[4]);
                switch (words[0]) {
                    case "server" -> server(context, version, number);
                    case "client" -> {
                        dial(context, version, number);
                        say("OK");
                    }
                    case "twice" -> say(twice(context, version, number) ? "RESUMED" : "FULL");
                    default -> say("FAILED no such command");
                }
            } catch (Exception error) {
                say("FAILED " + error);
            }
        }
    }

    private static void say(String answer) {
        System.out.println(answer.replace('\n', ' '));
        System.out.flush();
    }

    private static SSLContext context(String folder, String authority) throws Exception {
        KeyStore own = KeyStore.getInstance("PKCS12");
        try (FileInputStream file = new FileInputStream(folder + "/bundle.p12")) {
            own.load(file, PASSWORD);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(own, PASSWORD);
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (FileInputStream file = new FileInputStream(authority)) {
            int index = 0;
            for (Certificate found : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                trusted.setCertificateEntry("ca" + index++, found);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static void server(SSLContext context, String version, int count) throws Exception {
        InetAddress loopback = InetAddress.getByName("127.0.0.1");
        try (SSLServerSocket listener =
                (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0, 8, loopback)) {
            listener.setSoTimeout(20000);
            listener.setEnabledProtocols(new String[] {version});
            listener.setNeedClientAuth(true);
            say("PORT " + listener.getLocalPort());
            for (; count > 0; count--) {
                try (SSLSocket link = (SSLSocket) listener.accept()) {
                    link.setSoTimeout(10000);
                    link.startHandshake();
                    BufferedReader input = new BufferedReader(new InputStreamReader(link.getInputStream()));
                    if (!"ping".equals(input.readLine())) {
                        throw new IOException("the link ended");
                    }
                    link.getOutputStream().write("pong\n".getBytes());
                    link.getOutputStream().flush();
                    say("OK");
                } catch (Exception error) {
                    say("FAILED " + error);
                }
            }
        }
    }

    /** Makes a connection, sends a line and reads one; tells when its session began. */
    private static long dial(SSLContext context, String version, int port) throws Exception {
        try (Socket plain = new Socket()) {
            plain.connect(new InetSocketAddress("127.0.0.1", port), 10000);
            plain.setSoTimeout(10000);
            SSLSocket link = (SSLSocket) context.getSocketFactory().createSocket(plain, "localhost", port, true);
            link.setEnabledProtocols(new String[] {version});
            SSLParameters parameters = link.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            link.setSSLParameters(parameters);
            link.startHandshake();
            link.getOutputStream().write("ping\n".getBytes());
            link.getOutputStream().flush();
            BufferedReader input = new BufferedReader(new InputStreamReader(link.getInputStream()));
            if (!"pong".equals(input.readLine())) {
                throw new IOException("the link ended");
            }
            return link.getSession().getCreationTime();
        }
    }

    private static boolean twice(SSLContext context, String version, int port) throws Exception {
        long first = dial(context, version, port);
        Thread.sleep(20);
        // A resumed session keeps the time at which it was made.
        return dial(context, version, port) == first;
    }
}

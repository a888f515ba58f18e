export class StreamTransport extends HttpTransport {
    #private;
}
import { HttpTransport } from "./http.js";

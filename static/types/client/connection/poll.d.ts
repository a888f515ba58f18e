export class PollTransport extends HttpTransport {
    #private;
}
import { HttpTransport } from "./http.js";
